-- the first notice that tells a signal keeps it; in the order of ids, so that two writers never wait for each other
INSERT INTO courier.told_signal (signal_id, kind, notice_id)
SELECT signal_id, kind, notice_id
FROM unnest(%s::text[], %s::text[], %s::text[]) AS told (signal_id, kind, notice_id)
ORDER BY signal_id, kind
ON CONFLICT DO NOTHING
RETURNING notice_id, signal_id
