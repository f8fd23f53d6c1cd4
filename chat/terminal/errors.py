"""What can end the terminal client, each as one line a person can act on."""


class TerminalError(Exception):
    """Base of everything said to the user instead of a traceback."""


class CodeNeededError(TerminalError):
    """The password was right; this person signs in with a code of their authenticator too."""


class LoginRefusedError(TerminalError):
    """The e-mail or the password is wrong, or the account is closed."""


class SessionEndedError(TerminalError):
    """The session cannot be renewed or resumed; only a new login helps."""


class ServerUnreachableError(TerminalError):
    """No answer, or none that makes sense now; trying again may help."""


class NoConversationError(TerminalError):
    """There is nothing to show: no such trade, or no conversation yet."""


class RefusedError(TerminalError):
    """The server answered a REST call with an error of its own."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail or code)
        self.status = status
        self.code = code
