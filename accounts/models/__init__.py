"""Who somebody is: the person, their device sessions, and what signing in leaves behind."""

from accounts.models.second_factor import RecoveryCode, SecondFactor
from accounts.models.session import DeviceSession, LoginFailure, WsTicket
from accounts.models.user import Availability, Role, User

__all__ = ["Availability", "DeviceSession", "LoginFailure", "RecoveryCode", "Role", "SecondFactor", "User", "WsTicket"]
