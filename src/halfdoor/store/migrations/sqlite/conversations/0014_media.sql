-- The keys of files for the readers of an epoch (SEALING §3): each came with the event `seq` and
-- goes with it. The id of an epoch and the wrap lie in `sealed`.
CREATE TABLE media_wrap (
  cb INTEGER NOT NULL,
  c INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  media_id BLOB NOT NULL,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX media_wrap_place ON media_wrap (cb, c, epoch, seq, media_id);
CREATE INDEX media_wrap_media ON media_wrap (cb, c, media_id, seq);
CREATE INDEX media_wrap_event ON media_wrap (cb, c, seq);
