BEGIN TRANSACTION;
CREATE TABLE "_yoyo_log" (
            "id" VARCHAR(36),
            "migration_hash" VARCHAR(64),
            "migration_id" VARCHAR(255),
            "operation" VARCHAR(10),
            "username" VARCHAR(255),
            "hostname" VARCHAR(255),
            "comment" VARCHAR(255),
            "created_at_utc" TIMESTAMP,
            PRIMARY KEY ("id")
        );
CREATE TABLE "_yoyo_migration" (
            "migration_hash" VARCHAR(64),
            "migration_id" VARCHAR(255),
            "applied_at_utc" TIMESTAMP,
            PRIMARY KEY ("migration_hash")
        );
INSERT INTO "_yoyo_migration" VALUES('60a6a780743c639c4f1fc82e6d254697493ddabd64367025c99096006239393f','0002_mailbox','2026-11-23T16:21:40.548920');
INSERT INTO "_yoyo_migration" VALUES('593fd4a6fed4941d282704f19578607d61a4a1dae3dedc96776d6c2fdf45f77c','0003_accounts','2026-11-23T16:21:40.549635');
CREATE TABLE "_yoyo_version" (
            "version" INT NOT NULL PRIMARY KEY,
            "installed_at_utc" TIMESTAMP
        );
INSERT INTO "_yoyo_version" VALUES(2,'2026-11-23T16:21:40.538587');
CREATE TABLE account (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  -- Goes up with every change; a request that decided on an older one is refused.
  revision INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);
CREATE TABLE account_data (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  room TEXT NOT NULL,
  type TEXT NOT NULL,
  pos INTEGER NOT NULL,
  user_sealed INTEGER NOT NULL,
  sealed BLOB NOT NULL
);
INSERT INTO "account_data" VALUES(1229,1,'','m.direct',6,1,X'0001AC662886E9D256811BDDD52128A53F15DE0A9D0789975FA676F14B5C15');
CREATE TABLE block (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  peer TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, peer)
);
CREATE TABLE connection (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  peer TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, peer)
);
CREATE TABLE contact_closed (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (ub, u, recipient)
) WITHOUT ROWID;
INSERT INTO "contact_closed" VALUES(2192,1,'@bob:a.example',5);
CREATE TABLE contact_event (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (ub, u, recipient, event_id)
) WITHOUT ROWID;
INSERT INTO "contact_event" VALUES(2192,1,'@bob:a.example','$Ax9qQCCGr2h4O13p7zMZJsJEd-_DZ5Nsx3EGjYcpOGE');
CREATE TABLE counter (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE device (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  device TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, device)
);
CREATE TABLE filter (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  filter_id TEXT NOT NULL,
  body BLOB NOT NULL
);
INSERT INTO "filter" VALUES(1229,1,'RBNvo1WzZ4oRRq0W',X'7B7D');
CREATE TABLE former_key (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  kid TEXT NOT NULL,
  until INTEGER,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, kid)
);
CREATE TABLE inbox (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  pos INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  k INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  -- 1 = notify, 2 = highlight.
  bits INTEGER NOT NULL,
  -- What the row is about where that is no conversation of the room list (k = 0).
  subject TEXT,
  PRIMARY KEY (ub, u, pos)
) WITHOUT ROWID;
INSERT INTO "inbox" VALUES(1229,1,1,2,1,3,0,NULL);
INSERT INTO "inbox" VALUES(1229,1,2,0,1,4,1,NULL);
INSERT INTO "inbox" VALUES(1229,1,3,0,1,5,1,NULL);
INSERT INTO "inbox" VALUES(1229,1,4,5,1,6,0,NULL);
INSERT INTO "inbox" VALUES(1229,1,5,7,1,4,0,NULL);
INSERT INTO "inbox" VALUES(1229,1,6,3,0,0,0,'');
INSERT INTO "inbox" VALUES(2192,1,1,0,1,1,0,NULL);
INSERT INTO "inbox" VALUES(2192,1,2,0,1,2,0,NULL);
INSERT INTO "inbox" VALUES(2192,1,3,0,1,3,0,NULL);
INSERT INTO "inbox" VALUES(2192,1,4,0,1,4,0,NULL);
INSERT INTO "inbox" VALUES(2192,1,5,0,1,5,0,NULL);
INSERT INTO "inbox" VALUES(2192,1,6,0,1,6,0,NULL);
INSERT INTO "inbox" VALUES(2192,1,7,1,1,4,0,NULL);
CREATE TABLE login (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);
CREATE TABLE login_token (
  ub INTEGER NOT NULL,
  lookup BLOB NOT NULL,
  expires INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, lookup)
);
CREATE TABLE pending (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, session)
);
CREATE TABLE person (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);
CREATE TABLE profile (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);
CREATE TABLE session (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, session)
);
CREATE TABLE slot (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id, name)
);
CREATE TABLE start_over (
  ub INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, user_id)
);
CREATE TABLE token (
  ub INTEGER NOT NULL,
  lookup BLOB NOT NULL,
  user_id TEXT NOT NULL,
  session TEXT NOT NULL,
  expires INTEGER,
  sealed BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, lookup)
);
CREATE TABLE umember (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  k INTEGER NOT NULL,
  conv_id TEXT NOT NULL,
  membership TEXT NOT NULL,
  since_seq INTEGER NOT NULL,
  last_pos INTEGER NOT NULL,
  read_seq INTEGER NOT NULL,
  -- Rows of the inbox up to here are about events that were read.
  read_pos INTEGER NOT NULL,
  notify INTEGER NOT NULL,
  highlight INTEGER NOT NULL,
  forgotten INTEGER NOT NULL,
  -- Up to which entry of the conversation's outbox this row was told.
  cursor INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (ub, u, k)
) WITHOUT ROWID;
INSERT INTO "umember" VALUES(1229,1,1,'!sample:a.example','invite',3,5,4,2,1,0,0,5,X'34C8E0F81E4CB14E150D76FA79E5AE0B04636A3AE41B9BEB71FC69863016E30F');
INSERT INTO "umember" VALUES(2192,1,1,'!sample:a.example','join',2,7,6,6,0,0,0,6,X'118F84CBD9D237E2F08A970D2A7D9B7D6FC7847244AE1655B9545252A4CDBD31');
CREATE TABLE ustream (
  ub INTEGER NOT NULL,
  u INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  -- The position is that of the newest inbox row, but never less than this.
  floor INTEGER NOT NULL,
  PRIMARY KEY (ub, u)
) WITHOUT ROWID;
INSERT INTO "ustream" VALUES(1229,1,'@bob:a.example',0);
INSERT INTO "ustream" VALUES(2192,1,'@alice:a.example',0);
CREATE TABLE "yoyo_lock" ("locked" INT DEFAULT 1, "ctime" TIMESTAMP,"pid" INT NOT NULL,PRIMARY KEY ("locked"));
CREATE UNIQUE INDEX ustream_user ON ustream (ub, user_id);
CREATE UNIQUE INDEX umember_conv ON umember (ub, u, conv_id);
CREATE UNIQUE INDEX account_data_type ON account_data (ub, u, room, type);
CREATE UNIQUE INDEX filter_id ON filter (ub, u, filter_id);
CREATE INDEX token_session ON token (ub, user_id, session);
CREATE INDEX token_expires ON token (expires) WHERE expires IS NOT NULL;
COMMIT;
PRAGMA user_version = 3;
