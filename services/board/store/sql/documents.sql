SELECT document.document_id, document.kind, document.content_digest, document.content_type, document.content_size,
       document.readable, document.received_at
FROM stager.document AS document
WHERE document.network_id = %(network_id)s AND document.referral_id = %(referral_id)s
ORDER BY document.received_at, document.document_id
