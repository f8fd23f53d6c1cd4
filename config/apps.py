"""Django admin with the site of ours."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "accounts.pages.site.StaffSite"
