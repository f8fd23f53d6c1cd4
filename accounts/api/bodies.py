"""What the endpoints of accounts take. Fields that are not named here are ignored, whatever they claim."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Email = Annotated[str, Meta(max_length=254)]
Password = Annotated[str, Meta(min_length=1, max_length=1000)]
DisplayName = Annotated[str, Meta(max_length=80)]
Label = Annotated[str, Meta(max_length=200)]
Token = Annotated[str, Meta(max_length=4096)]


class Registration(Struct):
    email: Email
    password: Password
    display_name: DisplayName | None = None


class Credentials(Struct):
    email: Email
    password: Password
    otp: Annotated[str, Meta(max_length=64)] | None = None
    device_id: Label | None = None
    device_name: Label | None = None


class Refresh(Struct):
    refresh: Token


class LogOut(Struct):
    refresh: Token | None = None


class ProfileChange(Struct):
    display_name: DisplayName | UnsetType = UNSET
    availability: Label | UnsetType = UNSET


class PasswordChange(Struct):
    current: Password
    new: Password


class Administration(Struct):
    is_active: bool | UnsetType = UNSET
    role: Label | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
