-- The keys of files for the readers of an epoch (SEALING §3): each came with the event `seq` and
-- goes with it. The id of an epoch and the wrap lie in `sealed`.
CREATE TABLE media_wrap (
  cb smallint NOT NULL,
  c integer NOT NULL,
  epoch integer NOT NULL,
  seq bigint NOT NULL,
  media_id bytea NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (cb, c, epoch, seq, media_id)
);
CREATE INDEX media_wrap_media ON media_wrap (cb, c, media_id, seq);
CREATE INDEX media_wrap_event ON media_wrap (cb, c, seq);
