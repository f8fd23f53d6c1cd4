"""
The statement that stores plain messages on PostgreSQL; chat.actions.plain says what it is for and reads its answer.

It holds the conversations first and judges in a second statement: under READ COMMITTED each statement of a volatile
function sees all that was committed before it began, so what it judges by is not older than the locks.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION parley_send_plain(
    ids uuid[], conversations uuid[], senders uuid[], sessions uuid[], clients uuid[], replies uuid[],
    digests text[], bodies text[], moment timestamptz
) RETURNS TABLE (place bigint, number bigint, sender_name varchar, sender_role varchar, turned uuid) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    held uuid[];  -- beside each draft its conversation, where that is ours now
BEGIN
    WITH free AS MATERIALIZED (
        SELECT c.id FROM chat_conversation c
        WHERE c.id = ANY(conversations) AND c.closed_at IS NULL AND c.kind <> 'staff_notes'
        ORDER BY c.id FOR UPDATE SKIP LOCKED
    )
    SELECT array_agg(free.id ORDER BY d.n) INTO held
    FROM unnest(conversations) WITH ORDINALITY AS d (conversation, n) LEFT JOIN free ON free.id = d.conversation;

    RETURN QUERY
    WITH draft AS (
        SELECT * FROM unnest(ids, held, senders, sessions, clients, replies, digests, bodies) WITH ORDINALITY
            AS d (id, conversation, sender, session, client, reply, digest, body, n)
    ), judged AS (
        -- Looked up one by one (subqueries, OFFSET 0): never a join that reads a table from end to end.
        SELECT d.*, c.kind, u.display_name, u.role, (c.head + row_number() OVER in_order)::bigint AS seq,
            bool_and(
                c.id IS NOT NULL AND u.id IS NOT NULL
                AND (SELECT s.id FROM accounts_devicesession s WHERE s.id = d.session AND s.user_id = d.sender
                     AND s.revoked_at IS NULL AND s.expires_at > moment) IS NOT NULL
                AND (SELECT p.id FROM chat_participant p WHERE p.conversation_id = d.conversation
                     AND p.user_id = d.sender AND p.left_at IS NULL AND p.role <> 'observer') IS NOT NULL
                AND (SELECT m.id FROM chat_message m WHERE m.sender_id = d.sender AND m.client_id = d.client) IS NULL
                AND (d.reply IS NULL OR (SELECT r.conversation_id FROM chat_message r WHERE r.id = d.reply)
                     IS NOT DISTINCT FROM d.conversation)
            ) OVER in_order AS plain
        FROM draft d
        LEFT JOIN LATERAL (
            SELECT x.id, x.head, x.kind FROM chat_conversation x WHERE x.id = d.conversation OFFSET 0
        ) AS c ON true
        LEFT JOIN LATERAL (
            SELECT x.id, x.display_name, x.role FROM accounts_user x WHERE x.id = d.sender AND x.is_active OFFSET 0
        ) AS u ON true
        WINDOW in_order AS (PARTITION BY d.conversation ORDER BY d.n)
    ), stored AS (
        INSERT INTO chat_message (id, conversation_id, seq, sender_id, client_id, sent_digest, kind, body, reply_to_id,
                                  created_at)
        SELECT j.id, j.conversation, j.seq, j.sender, j.client, j.digest, 'text', j.body, j.reply, moment
        FROM judged j WHERE j.plain ORDER BY j.sender, j.client  -- two who use the same ids wait in one order
    ), logged AS (
        INSERT INTO chat_event (conversation_id, seq, type, actor_id, message_id, created_at)
        SELECT j.conversation, j.seq, 'message.new', j.sender, j.id, moment FROM judged j WHERE j.plain
    ), moved AS (
        UPDATE chat_conversation c SET head = last.seq, last_message_id = last.id, last_activity_at = moment
        FROM (
            SELECT DISTINCT ON (j.conversation) j.conversation, j.seq, j.id FROM judged j WHERE j.plain
            ORDER BY j.conversation, j.seq DESC
        ) AS last
        WHERE c.id = last.conversation
    ), turn AS (
        -- Whose turn it is in a trade after these messages: chat.actions.clocks says what this means.
        SELECT o.id, o.conversation_id, o.waits, o.answered, o.first_response_at,
            o.waiting_on <> o.waits OR (o.waits = 'support' AND o.answered) AS begins
        FROM (
            SELECT t.id, t.conversation_id, t.waiting_on, t.first_response_at,
                CASE WHEN said.last_sender = t.customer_id THEN 'support' ELSE 'customer' END AS waits,
                EXISTS (SELECT FROM unnest(said.speakers) AS x (sender) WHERE x.sender <> t.customer_id) AS answered
            FROM (
                SELECT j.conversation, array_agg(j.sender) AS speakers,
                    (array_agg(j.sender ORDER BY j.n DESC))[1] AS last_sender
                FROM judged j WHERE j.plain AND j.kind = 'trade' GROUP BY j.conversation
            ) AS said
            JOIN LATERAL (
                SELECT y.* FROM chat_trade y WHERE y.conversation_id = said.conversation
                AND y.status IN ('pending', 'verifying', 'disputed') OFFSET 0
            ) AS t ON true
        ) AS o
    ), moved_on AS (
        UPDATE chat_trade t SET
            waiting_on = w.waits,
            waiting_since = CASE WHEN w.begins THEN moment ELSE t.waiting_since END,
            response_warned_at = CASE WHEN w.begins THEN NULL ELSE t.response_warned_at END,
            response_missed_at = CASE WHEN w.begins THEN NULL ELSE t.response_missed_at END,
            first_response_at = CASE WHEN w.answered THEN COALESCE(t.first_response_at, moment)
                                     ELSE t.first_response_at END
        FROM turn w
        WHERE t.id = w.id AND (w.begins OR (w.answered AND w.first_response_at IS NULL))
        RETURNING t.id, t.conversation_id
    )
    SELECT j.n, j.seq, j.display_name, j.role, m.id
    FROM judged j LEFT JOIN moved_on m ON m.conversation_id = j.conversation
    WHERE j.plain ORDER BY j.n;
END
$$
"""
DROP = "DROP FUNCTION IF EXISTS parley_send_plain"


def run(statement):
    def execute(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statement)

    return execute


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_clocks_of_assignment"), ("accounts", "0001_initial")]

    operations = [migrations.RunPython(run(CREATE), run(DROP))]
