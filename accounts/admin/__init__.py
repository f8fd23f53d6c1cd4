"""Django admin for people and their devices: for super admins only, and through the same actions as everything else."""

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.admin.sessions import DeviceSessionAdmin
from accounts.admin.users import UserAdmin

admin.site.unregister(Group)  # rights follow the role alone

__all__ = ["DeviceSessionAdmin", "UserAdmin"]
