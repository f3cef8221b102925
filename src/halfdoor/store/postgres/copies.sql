-- name: event
COPY event (cb, c, seq, event_id, state, sealed) FROM STDIN;

-- name: relation
COPY relation (cb, c, target, seq, rel_type) FROM STDIN;

-- name: epoch
COPY epoch (cb, c, epoch, hh, first_seq, chain0, sealed) FROM STDIN;

-- name: wrap
COPY wrap (cb, c, epoch, m, sealed) FROM STDIN;

-- name: share
COPY share (cb, c, epoch, escrow_set, sealed) FROM STDIN;

-- name: reader_added
COPY reader_added (cb, c, epoch, n, sealed) FROM STDIN;

-- name: hold
COPY hold (cb, c, seq, destroy_after, sealed) FROM STDIN;

-- name: media_wrap
COPY media_wrap (cb, c, epoch, seq, media_id, sealed) FROM STDIN;

-- name: fanout
COPY fanout (cb, c, n, payload) FROM STDIN;

-- name: inbox
COPY inbox (ub, u, pos, kind, k, seq, bits, subject) FROM STDIN;
