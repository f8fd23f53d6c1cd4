"""Which display names people may take: readable ones, and for customers none that looks like staff."""
# the ambiguous letters are the point

import re
import unicodedata
from itertools import groupby

from accounts.errors import InvalidBody
from accounts.models import Role
from accounts.text import BIDI_CONTROLS, is_blank, is_invisible

MAX_NAME = 80
REFUSED_CATEGORIES = frozenset(("Cc", "Cs", "Co", "Cn", "Zl", "Zp"))

# Letters that look like Latin ones: Cyrillic, Greek, Latin's own variants, Armenian, Cherokee. Capitals have rows of
# their own: a Greek capital Nu is an N, a small one a v.
LOOKALIKES: dict[int, str] = {}
for strange, plain in (
    ("АВЕКМНОРСТУХІЈЅԌԚԜӀҮ", "abekmhopctyxijsgqwly"),
    ("авекмнорстухіјѕԁһԛԝӏүгпьи", "abekmhopctyxijsdhqwlyrnbu"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    ("αβεικνορτυχσςηωγ", "abeikvoptuxsonwy"),
    ("ıłøđɑɡɩʀꜱᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘᴛᴜᴠᴡʏᴢ", "ilodagirsabcdeghijklmnoptuvwyz"),
    ("սօոցհ", "uongh"),
    ("ᎪᎷᎢᎥᎡᎬᏢᏚ", "amtireps"),
):
    LOOKALIKES |= dict(zip(map(ord, strange), plain, strict=True))
LEET = str.maketrans("01345789@$!|+", "oieastbgasilt")
SAME = str.maketrans("l", "i")  # l, I, 1 and | are one stroke; both sides of a comparison are written with i
LETTER_BLOCKS = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)  # squared, circled, filled and flag letters A to Z

WORDS = (
    "admin", "admins", "administrator", "administrators", "administration", "support",
    "moderator", "moderators", "parley", "superadmin", "tradeadmin", "tradesupport",
)  # fmt: skip


def check_display_name(name: str, role: str) -> None:
    """Raises InvalidBody unless somebody of that role may be shown under the name."""
    if not 1 <= len(name) <= MAX_NAME:
        raise _refused(f"A name has 1 to {MAX_NAME} characters.")
    if any(char in BIDI_CONTROLS or unicodedata.category(char) in REFUSED_CATEGORIES for char in name):
        raise _refused("A name holds no control characters and none that turn the direction of text.")
    if is_blank(name):
        raise _refused("A name needs something to see.")
    if role == Role.CUSTOMER and looks_like_staff(name):
        raise _refused("This name is kept for the people of support.")


def looks_like_staff(name: str) -> bool:
    """Whether a reader may take it for a name of ours, whatever letters, digits or spacing it is written with."""
    text = _latin(name)
    spellings = (text, text.translate(LEET))
    return any(_says_so(words) for spelling in spellings for words in (_split(spelling), _split(_parted(spelling))))


def _says_so(words: list[str]) -> bool:
    """Whether some run of neighbouring words, written as one, is a word of ours: "s u p p o r t" is."""
    for start in range(len(words)):
        run = ""
        for word in words[start:]:
            run += word
            if _skeleton(run) in SKELETONS or _skeleton(run.strip("0123456789")) in SKELETONS:
                return True
            if len(run) > LONGEST:
                break
    return False


def _latin(name: str) -> str:
    """Without marks and invisible characters, and in plain Latin letters as far as it looks like them."""
    folded = unicodedata.normalize("NFKD", "".join(map(_plain_letter, name)))
    return "".join(char for char in folded if char.isspace() or not is_invisible(char)).translate(LOOKALIKES)


def _plain_letter(char: str) -> str:
    code = ord(char)
    block = next((first for first in LETTER_BLOCKS if first <= code < first + 26), None)
    return char if block is None else chr(ord("A") + code - block)


def _parted(text: str) -> str:
    """JohnAdmin as John Admin."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)


def _split(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _skeleton(word: str) -> str:
    """One spelling for words that look alike: adrnin, ADMlN and addmin are all one."""
    same = word.replace("rn", "m").translate(SAME)
    return "".join(char for char, _ in groupby(same))


def _refused(detail: str) -> InvalidBody:
    return InvalidBody(detail, pointer="/display_name")


SKELETONS = frozenset(map(_skeleton, WORDS))
LONGEST = max(map(len, WORDS)) + 8  # room for doubled letters and digits around it
