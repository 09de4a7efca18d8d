-- who and what
CREATE TABLE site(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE device(
  id INTEGER PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES site,
  name TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  agent TEXT,                        -- who sends it now
  seen_ms INTEGER,                   -- when that agent sent it last
  UNIQUE(site, name)
) STRICT;

CREATE TABLE series(
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL REFERENCES device,
  quantity TEXT NOT NULL,
  channel TEXT NOT NULL,
  version INTEGER NOT NULL,          -- the one that was used last
  UNIQUE(device, quantity, channel)
) STRICT;

CREATE TABLE series_version(
  series INTEGER NOT NULL REFERENCES series,
  version INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,          -- first use
  encoding INTEGER NOT NULL,
  exponent INTEGER NOT NULL,
  wraps_at TEXT,                     -- u64 in decimal
  resolution INTEGER NOT NULL,
  side INTEGER NOT NULL,
  profile TEXT,
  profile_hash BLOB,
  source TEXT NOT NULL,
  PRIMARY KEY(series, version)
) WITHOUT ROWID, STRICT;

CREATE TABLE agent(
  site TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  certificate BLOB,                  -- SHA-256 of the certificate shown last
  certificate_to_ms INTEGER,
  first_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY(site, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE plan(
  id INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  agent TEXT NOT NULL,
  device INTEGER NOT NULL REFERENCES device,
  period_ms INTEGER NOT NULL,
  offset_ms INTEGER NOT NULL,
  series BLOB NOT NULL,              -- u32 little endian each
  from_ms INTEGER NOT NULL,
  to_ms INTEGER                      -- NULL: still valid
) STRICT;
CREATE INDEX plan_by_device ON plan(device, from_ms);
CREATE INDEX plan_open ON plan(site, agent) WHERE to_ms IS NULL;

-- arrival
CREATE TABLE cursor(
  site TEXT NOT NULL,
  agent TEXT NOT NULL,
  spool BLOB NOT NULL,
  next_seq INTEGER NOT NULL,
  last_crc INTEGER,                  -- CRC-32C of record next_seq - 1, to tell a clone
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY(site, agent, spool)
) WITHOUT ROWID, STRICT;

CREATE TABLE inbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site TEXT NOT NULL,
  agent TEXT NOT NULL,
  spool BLOB NOT NULL,
  first_seq INTEGER NOT NULL,        -- first record that counts; the body may hold earlier ones
  last_seq INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  body BLOB NOT NULL                 -- the batch as received
) STRICT;

CREATE TABLE gap(
  site TEXT NOT NULL,
  agent TEXT NOT NULL,
  spool BLOB NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  from_ms INTEGER,
  to_ms INTEGER,
  reason TEXT NOT NULL,
  PRIMARY KEY(site, agent, spool, first_seq)
) WITHOUT ROWID, STRICT;

CREATE TABLE closer(
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL          -- inbox rows up to here are in the record
) WITHOUT ROWID, STRICT;

CREATE TABLE spool_state(
  id INTEGER PRIMARY KEY,
  spool BLOB NOT NULL UNIQUE,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE loss(
  device INTEGER NOT NULL REFERENCES device,
  day INTEGER NOT NULL,
  what TEXT NOT NULL,                -- expected, received, late, duplicate, or a reason
  n INTEGER NOT NULL,
  PRIMARY KEY(device, day, what)
) WITHOUT ROWID, STRICT;

CREATE TABLE event(
  id INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  agent TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  body TEXT NOT NULL                 -- JSON
) STRICT;
CREATE INDEX event_by_time ON event(site, at_ms);

-- intervals
CREATE TABLE iv_series(
  id INTEGER PRIMARY KEY,
  series INTEGER UNIQUE REFERENCES series,
  site TEXT,
  point TEXT,
  UNIQUE(site, point),
  CHECK((series IS NULL) = (point IS NOT NULL) AND (site IS NULL) = (point IS NULL))
) STRICT;

CREATE TABLE iv_day(
  id INTEGER PRIMARY KEY,            -- iv_series << 24 | UTC day
  n INTEGER NOT NULL,                -- quarter hours that have an amount
  sum INTEGER NOT NULL,              -- mWh
  min INTEGER,
  max INTEGER,
  rev INTEGER NOT NULL,
  body BLOB NOT NULL                 -- see interval/day.rs
) STRICT;

CREATE TABLE iv_rev(
  key INTEGER PRIMARY KEY,
  id INTEGER NOT NULL,
  rev INTEGER NOT NULL,              -- the revision that `old` was
  at_ms INTEGER NOT NULL,            -- when it was replaced
  why TEXT NOT NULL,
  old BLOB NOT NULL,
  UNIQUE(id, rev)
) STRICT;

CREATE TABLE gauge_day(
  id INTEGER PRIMARY KEY,            -- series << 24 | UTC day
  body BLOB NOT NULL                 -- see gauge.rs
) STRICT;

CREATE TABLE change(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  id INTEGER NOT NULL,
  rev INTEGER NOT NULL
) STRICT;

-- documents and people's doings
CREATE TABLE document(
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  author TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  valid_from_ms INTEGER,
  UNIQUE(kind, key, version)
) STRICT;

CREATE TABLE import(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  file TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  rows INTEGER NOT NULL,
  author TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  undone_ms INTEGER
) STRICT;

CREATE TABLE import_day(
  key INTEGER PRIMARY KEY,
  import INTEGER NOT NULL REFERENCES import,
  id INTEGER NOT NULL,               -- as in iv_day
  old BLOB,                          -- NULL: there was no such day
  new BLOB NOT NULL,
  UNIQUE(import, id)
) STRICT;

CREATE TABLE audit(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL,
  prev BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;

CREATE TABLE alarm(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  severity TEXT NOT NULL,
  detail TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  closed_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm(site, kind, subject) WHERE closed_ms IS NULL;
CREATE INDEX alarm_by_time ON alarm(opened_ms);

CREATE TABLE sink_cursor(
  sink TEXT PRIMARY KEY,
  generation INTEGER NOT NULL,
  position INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sink TEXT NOT NULL,
  line TEXT NOT NULL,
  error TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_by_sink ON quarantine(sink, id);

CREATE TABLE report(
  id INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  kind TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  facts BLOB NOT NULL,
  sha256 BLOB NOT NULL,
  author TEXT NOT NULL,
  sealed_ms INTEGER NOT NULL,
  UNIQUE(site, kind, from_ms, to_ms, revision)
) STRICT;
