-- A store of version 1, as drover-mapd 0.1 wrote it before it kept history.
PRAGMA journal_mode=WAL;
CREATE TABLE fact(serial INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT, publisher TEXT NOT NULL, timestamp_us INTEGER NOT NULL, meta TEXT NOT NULL);
CREATE TABLE publisher(client TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE type(ns TEXT NOT NULL, name TEXT NOT NULL, cardinality INTEGER NOT NULL, PRIMARY KEY(ns,name));
INSERT INTO publisher VALUES('A','A-0123456789abcdef');
INSERT INTO type VALUES('urn:example:x','s',0);
INSERT INTO fact VALUES(7,'<device><name>v1</name></device>',NULL,'A-0123456789abcdef',1714555800251000,'<x:s xmlns:x="urn:example:x" ifmap-cardinality="singleValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:00Z" ifmap-timestamp-fraction="0.251000"><v>old</v></x:s>');
INSERT INTO fact VALUES(9,'<device><name>v1</name></device>','<access-request name="r"/>','A-0123456789abcdef',1714555801000000,'<x:s xmlns:x="urn:example:x" ifmap-cardinality="singleValue" ifmap-publisher-id="A-0123456789abcdef" ifmap-timestamp="2024-05-01T09:30:01Z" ifmap-timestamp-fraction="0.000000"><v>link</v></x:s>');
PRAGMA user_version=1;
