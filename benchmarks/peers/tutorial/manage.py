"""Django's command line for the tutorial peer."""

import os

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tutorial_site.settings")

if __name__ == "__main__":
    execute_from_command_line()
