"""
The statement of 0006 also writes what is to be pushed: a row for each device of whoever else is in the conversation,
unless they have muted it or blocked the sender. It waits for an open app, as chat.actions.pushes says for all ways.

It takes and gives what it did, so it replaces the function in place: servers of the version before push as well.
"""

from importlib import import_module

from django.db import migrations

before = import_module("chat.migrations.0006_send_plain")

BEHIND = "    ), moved AS ("
PUSHED = """
    ), pushed AS (
        -- Device by device, so that who has none costs one look into an index.
        INSERT INTO notifications_outboxrow (device_id, user_id, kind, cause, thread, waits, created_at, due_at, state,
                                             reason)
        SELECT d.id, p.user_id, 'message', j.id, j.conversation, app.open, moment,
            moment + CASE WHEN app.open THEN interval '15 seconds' ELSE interval '0.8 seconds' END, 'pending', ''
        FROM judged j
        JOIN LATERAL (
            SELECT x.user_id FROM chat_participant x
            WHERE x.conversation_id = j.conversation AND x.left_at IS NULL AND x.user_id <> j.sender
            AND (x.muted_until IS NULL OR x.muted_until <= moment) AND (x.role <> 'observer' OR j.kind <> 'trade')
            OFFSET 0
        ) AS p ON true
        JOIN LATERAL (
            SELECT x.id FROM notifications_device x WHERE x.user_id = p.user_id AND x.ended_at IS NULL OFFSET 0
        ) AS d ON true
        JOIN LATERAL (
            SELECT EXISTS (
                SELECT FROM chat_connection x WHERE x.user_id = p.user_id AND x.foreground AND x.expires_at > moment
            ) AS open OFFSET 0
        ) AS app ON true
        WHERE j.plain
        AND NOT EXISTS (SELECT FROM chat_block b WHERE b.blocker_id = p.user_id AND b.blocked_id = j.sender)
"""
assert before.CREATE.count(BEHIND) == 1
REPLACE = before.CREATE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
CREATE = REPLACE.replace(BEHIND, PUSHED.lstrip("\n") + BEHIND)


class Migration(migrations.Migration):
    dependencies = [("chat", "0008_deadline_warned"), ("notifications", "0001_initial")]

    operations = [migrations.RunPython(before.run(CREATE), before.run(REPLACE))]
