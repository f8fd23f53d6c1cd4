"""Which names customers and staff may take."""
# the ambiguous letters are the point

import pytest

from accounts.errors import InvalidBody
from accounts.models import Role
from accounts.names import check_display_name

STAFF_LIKE = [
    "Support",
    "support",
    "SUPPORT",
    "Admin",
    "Moderator",
    "Trade Support",
    "TradeSupport",
    "Parley",
    "Super Admin",
    "Adm\u200bin",
    "A\u0301dmin",
    "Аdmin",
    "аdmіn",
    "Αdmin",
    "Ａｄｍｉｎ",
    "𝐀𝐝𝐦𝐢𝐧",
    "Ⓐⓓⓜⓘⓝ",
    "🄰🄳🄼🄸🄽",
    "🇦🇩🇲🇮🇳",
    "4dm1n",
    "@dmin",
    "Adm!n",
    "Supp0rt",
    "5upport",
    "$upport",
    "S u p p o r t",
    "S.u.p.p.o.r.t",
    "s_u_p_p_o_r_t",
    "Ad min",
    "ad-min John",
    "Admin John",
    "John (Admin)",
    "JohnAdmin",
    "Admin1",
    "Support24",
    "24 Support",
    "Adrnin",
    "AdmlN",
    "Suppport",
    "Pаrlеy",
    "Par1ey",
    "Parley Support",
    "ѕυрроrt",
    "ѕuрроrt Теаm",
    "Moder\u00adator",
    "ADMINISTRATOR",
    "Administrator Falls",
    "sup\u3164port",
    "Support!",
    "~admin~",
    "A D M I N of all",
    "ᴀᴅᴍɪɴ",
    "ꜱᴜᴘᴘᴏʀᴛ",
]
HARMLESS = [
    "Alice",
    "Badmington",
    "Ladmin",
    "Brad Min",
    "Supporter of Arsenal",
    "Модест",
    "Αλέξανδρος",
    "李小龍",
    "علی‌رضا",
    "O'Brien",
    "Barnes",
    "Madmind",
    "Parleyton",
    "Modest",
    "5",
    "Zoë 👩‍👩‍👧",
    "Adm",
    "Rapport",
    "Ed Minster",
    "Anna-Lena",
]


@pytest.mark.parametrize("name", STAFF_LIKE)
def test_customers_may_not_look_like_staff(name):
    with pytest.raises(InvalidBody) as refusal:
        check_display_name(name, Role.CUSTOMER)

    assert refusal.value.errors == [
        {"pointer": "/display_name", "detail": "This name is kept for the people of support."}
    ]


@pytest.mark.parametrize("name", HARMLESS)
def test_ordinary_names_are_accepted_as_they_are(name):
    check_display_name(name, Role.CUSTOMER)


def test_staff_may_be_called_what_they_are():
    check_display_name("Trade Support", Role.TRADE_ADMIN)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 81,
        "   ",
        "\u200b\u2060",
        "\u0301",
        "\u3164",
        "a\0",
        "a\nb",
        "a\x1b[31m",
        "a\u2028b",
        "gpj\u202eexe",
        "a\u2066b",
        "a\u200fb",
        "a\ud83d",
        "a\ue000",
        "a\r\nSet-Cookie: x",
    ],
)
@pytest.mark.parametrize("role", Role.values)
def test_nobody_takes_a_name_that_cannot_be_read(name, role):
    with pytest.raises(InvalidBody):
        check_display_name(name, role)


def test_a_name_of_eighty_characters_fits():
    check_display_name("x" * 80, Role.CUSTOMER)
