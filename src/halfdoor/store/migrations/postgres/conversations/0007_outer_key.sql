-- When a data key was last wrapped anew, in ms: with the outer key that `halfdoor key rotate` put in
-- force then. 0: it lies under the outer key with which it was made.
ALTER TABLE data_key ADD COLUMN wrapped_at bigint NOT NULL DEFAULT 0;
