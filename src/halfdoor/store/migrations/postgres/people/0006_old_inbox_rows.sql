-- Rows of a person's inbox up to `dropped` may be gone: a client with an older position begins
-- anew. The stream stood at `noted_pos` on the day `noted_day`, -1 where that was never noted.
ALTER TABLE ustream ADD COLUMN noted_day integer NOT NULL DEFAULT -1;
ALTER TABLE ustream ADD COLUMN noted_pos bigint NOT NULL DEFAULT 0;
ALTER TABLE ustream ADD COLUMN dropped bigint NOT NULL DEFAULT 0;
