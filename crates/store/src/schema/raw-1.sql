-- Raw samples of one UTC month: one row for each device and run of whole hours.
CREATE TABLE chunk(
  id INTEGER PRIMARY KEY,            -- device << 24 | first UTC hour
  hours INTEGER NOT NULL,            -- never past the end of the UTC day
  n INTEGER NOT NULL,                -- samples, missing ones included
  body BLOB NOT NULL                 -- see chunk/blob.rs
) STRICT;
