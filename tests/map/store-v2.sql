-- A store of version 2, as drover-mapd wrote it while session metadata stood and it was killed.
PRAGMA journal_mode=WAL;
CREATE TABLE fact(serial INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT, publisher TEXT NOT NULL, timestamp_us INTEGER NOT NULL, meta TEXT NOT NULL);
CREATE TABLE publisher(client TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE type(ns TEXT NOT NULL, name TEXT NOT NULL, cardinality INTEGER NOT NULL, PRIMARY KEY(ns,name));
CREATE TABLE history(serial INTEGER PRIMARY KEY, a_key INTEGER NOT NULL, b_key INTEGER, a TEXT NOT NULL, b TEXT, publisher TEXT NOT NULL, lifetime INTEGER NOT NULL, meta TEXT NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER, ended_by TEXT, why INTEGER);
CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE INDEX history_a ON history(a_key,from_us);
CREATE INDEX history_b ON history(b_key,from_us) WHERE b_key IS NOT NULL;
CREATE INDEX history_open ON history(serial) WHERE until_us IS NULL AND lifetime=0;
CREATE INDEX history_until ON history(until_us) WHERE until_us IS NOT NULL;
INSERT INTO publisher VALUES('A','A-0123456789abcdef');
INSERT INTO type VALUES('urn:example:x','s',0);
INSERT INTO fact VALUES(7,'<device><name>v1</name></device>',NULL,'A-0123456789abcdef',1714555800251000,'<x:s xmlns:x="urn:example:x" ifmap-cardinality="singleValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:00Z" ifmap-timestamp-fraction="0.251000"><v>old</v></x:s>');
INSERT INTO fact VALUES(9,'<device><name>v1</name></device>','<access-request name="r"/>','A-0123456789abcdef',1714555801000000,'<x:s xmlns:x="urn:example:x" ifmap-cardinality="singleValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:01Z" ifmap-timestamp-fraction="0.000000"><v>link</v></x:s>');
INSERT INTO history VALUES(7,6624334252143164845,NULL,'<device><name>v1</name></device>',NULL,'A-0123456789abcdef',1,'<x:s xmlns:x="urn:example:x" ifmap-cardinality="singleValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:00Z" ifmap-timestamp-fraction="0.251000"><v>old</v></x:s>',1714555800251000,NULL,NULL,NULL);
INSERT INTO history VALUES(9,6624334252143164845,486317355173341994,'<device><name>v1</name></device>','<access-request name="r"/>','A-0123456789abcdef',1,'<x:s xmlns:x="urn:example:x" ifmap-cardinality="singleValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:01Z" ifmap-timestamp-fraction="0.000000"><v>link</v></x:s>',1714555801000000,NULL,NULL,NULL);
-- of a session
INSERT INTO history VALUES(12,6624334252143164845,NULL,'<device><name>v1</name></device>',NULL,'A-0123456789abcdef',0,'<x:m xmlns:x="urn:example:x" ifmap-cardinality="multiValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:02Z" ifmap-timestamp-fraction="0.000000"><v>session</v></x:m>',1714555802000000,NULL,NULL,NULL);
INSERT INTO state VALUES('history',1);
PRAGMA user_version=2;
