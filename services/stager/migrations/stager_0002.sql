-- the default also serves a stager of the version before, which still writes while this one starts
ALTER TABLE stager.referral ADD COLUMN reminded boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN stager.referral.reminded IS 'Whether the queue was reminded in this stay in the stage (R23).';
