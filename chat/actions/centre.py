"""Tells the sockets of people what is new in their in-app list."""

from collections.abc import Sequence

from chat import fanout
from notifications.actions import centre
from notifications.models import Notification
from notifications.serializers import notification_shape


def announce(created: Sequence[Notification]) -> None:
    """After the commit, each to its person alone, with how many they have not read by now."""
    unread = centre.unread({one.user_id for one in created})
    for one in created:
        frame = {"type": "notification.new", "notification": notification_shape(one), "unread": unread[one.user_id]}
        fanout.to_users([one.user_id], frame)
