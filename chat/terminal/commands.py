"""What a line beginning with a slash does; reads over REST, writes nothing to the conversation."""

from collections.abc import Callable

from chat.terminal import render, safe, system
from chat.terminal.conversation import Conversation
from chat.terminal.errors import RefusedError, ServerUnreachableError
from chat.terminal.render import Line
from chat.terminal.session import Session

PAGE = 20
HELP = (
    "/history  older messages",
    "/who      who takes part, and who is there",
    "/unread   unread messages in all your conversations",
    "/quit     leave (also Ctrl-D or Ctrl-C)",
    "//text    a message that begins with a slash",
)


class Commands:
    """Each answers in lines; a failing server is an answer too."""

    def __init__(self, session: Session, conversation: Conversation, show: Callable[[Line], None]) -> None:
        self._session = session
        self._conversation = conversation
        self._show = show

    async def run(self, text: str) -> None:
        known = {"/help": self._help, "/history": self._history, "/who": self._who, "/unread": self._unread}
        command = known.get(text.split()[0])
        if command is None:
            self._say(f"No command {safe.one_line(text.split()[0])}; /help names them.")
            return
        try:
            await command()
        except (ServerUnreachableError, RefusedError) as error:
            self._say(safe.one_line(str(error)))

    def _say(self, text: str) -> None:
        self._show(render.note(text))

    async def _help(self) -> None:
        for line in HELP:
            self._say(line)

    async def _history(self) -> None:
        oldest = self._conversation.oldest
        if oldest is None:
            self._say("There is nothing older.")
            return
        path = f"conversations/{self._conversation.id}/messages/"
        page = await self._session.get(path, before_seq=oldest, limit=PAGE)
        notices = self._conversation.history(page["results"])
        self._say("older messages" if notices else "There is nothing older.")
        for notice in notices:
            self._show(render.line(notice, self._conversation.me) or [])
        if notices:
            self._say("end of the older messages")

    async def _who(self) -> None:
        summary = await self._session.get(f"conversations/{self._conversation.id}/")
        self._conversation.roster.load(summary.get("participants") or [])
        for person in self._conversation.roster.people():
            badge = f" [{system.ROLES[person.role]}]" if person.role in system.ROLES else ""
            state = render.STATUSES.get(person.status, safe.one_line(person.status))
            self._say(f"{safe.one_line(person.name)}{badge} {state}")
        self._say("and you")

    async def _unread(self) -> None:
        unread = await self._session.get("unread/")
        here = (unread.get("conversations") or {}).get(self._conversation.id, 0)
        self._say(f"{int(unread.get('total') or 0)} unread, {int(here)} of them here")
