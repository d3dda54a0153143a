INSERT INTO stager.document (
    network_id, document_id, referral_id, kind, content_digest, content_type, content_size, readable,
    received_at
)
SELECT
    network_id, document_id, referral_id, kind, content_digest, content_type, content_size, readable,
    received_at
FROM json_populate_recordset(NULL::stager.document, %s::json)
ON CONFLICT DO NOTHING
