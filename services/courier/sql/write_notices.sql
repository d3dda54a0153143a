INSERT INTO courier.notice (
    network_id, notice_id, recipient_queue, kind, window_start, window_end, signal_ids, referral_ids, created_at
)
SELECT
    network_id, notice_id, recipient_queue, kind, window_start, window_end, signal_ids, referral_ids, created_at
FROM json_populate_recordset(NULL::courier.notice, %s::json)
ON CONFLICT DO NOTHING
