SELECT notice.notice_id, notice.recipient_queue, notice.kind, notice.window_start, notice.window_end,
       notice.referral_ids, notice.created_at
FROM courier.notice AS notice
WHERE notice.network_id = %(network_id)s AND (%(queue)s::text IS NULL OR notice.recipient_queue = %(queue)s)
ORDER BY notice.created_at DESC, notice.notice_id
LIMIT %(most)s
