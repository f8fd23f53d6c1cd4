"""The start page: figures for super admins, one's own for the others, honest where there is nothing to tell."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from accounts.admin import shown
from accounts.models import User
from chat.actions import messages
from chat.admin.dashboard import CHART_HEIGHT, bars
from chat.reporting import Hour
from chat.tests.factories import open_trade, trade_admin

START = "/admin/"


def test_an_empty_house_says_so(desk, sara):
    text = desk(sara).get(START).content.decode()

    for words in (
        "nobody waits",
        "No open trade is yours.",
        "Nobody waits.",
        "There is no trade admin yet.",
        "Nobody has said",
    ):
        assert words in text
    assert '<svg class="chart"' not in text


def test_a_super_admin_sees_the_team_and_an_admin_themself(desk, alice, tina, tom, sara):
    trade = open_trade(alice)
    User.objects.filter(pk=tina.pk).update(availability="busy")
    waiting = open_trade(alice)
    messages.send_message(actor=alice, conversation_id=trade.conversation_id, client_id=uuid4(), body="Hello")

    pages = {person: desk(person).get(START).content.decode() for person in (sara, tina, tom)}

    assert "The team" in pages[sara]
    assert "1 of 10" in pages[sara]
    assert "How fast we are" in pages[sara]
    for admin in (tina, tom):
        assert "The team" not in pages[admin]
        assert "How fast we are" not in pages[admin]
        assert waiting.reference in pages[admin]
    assert trade.reference in pages[tina]
    assert trade.reference not in pages[tom]
    assert "1 message in the last day" in pages[sara]


def test_it_costs_the_same_whatever_there_is(desk, alice, tina, sara, django_assert_max_num_queries):
    client, counts = desk(sara), []
    client.get(START)
    for _ in range(2):
        with django_assert_max_num_queries(16) as queries:
            client.get(START)
        counts.append(len(queries))
        trade_admin()
        open_trade(alice)
        open_trade(alice)

    assert counts[0] == counts[1]


def test_the_busiest_hour_fills_the_chart_and_an_idle_one_is_flat():
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)

    drawn = bars([Hour(noon, 0), Hour(noon + timedelta(hours=1), 5), Hour(noon + timedelta(hours=2), 10)])

    assert [bar.height / drawn[-1].height for bar in drawn] == [0, 0.5, 1]
    assert {bar.y + bar.height for bar in drawn} == {drawn[-1].height}
    assert drawn[-1].height < CHART_HEIGHT
    assert [bar.tick for bar in drawn] == [True, False, False]
    assert [bar.height for bar in bars([Hour(noon, 0)])] == [0]
    assert bars([]) == []


def test_spans_are_told_in_the_units_that_matter():
    spans = {
        timedelta(seconds=-5): "0 s", timedelta(seconds=45): "45 s", timedelta(minutes=12, seconds=59): "12 min",
        timedelta(hours=3, minutes=5): "3 h 5 min", timedelta(hours=3): "3 h", timedelta(days=2, hours=4): "2 d 4 h",
        timedelta(days=2): "2 d", None: "–",
    }  # fmt: skip

    assert {span: shown.duration(span) for span in spans} == spans


def test_the_shared_words_for_nothing():
    assert {str(show(None)) for show in (shown.when, shown.since, shown.until, shown.badge)} == {"–"}
    assert "ago" in shown.until(datetime(2026, 1, 2, tzinfo=UTC))
