/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where the specification leaves a choice, the choice (ifmap.md 21 and the rules marked [R]).
 *
 * Each row is a switch with two positions, the first of which is the default; it is a member of
 * struct ifmap_dialect and a key of the server's configuration. Constant while a server runs, so
 * any thread may read it. NULL stands for all defaults.
 */

/* ROW(member, key, where, first word, second word, meaning): the member is 1 for the second. */
/* clang-format off */
#define IFMAP_DIALECT(ROW) \
	ROW(single_escape, extended-escape, "D1", "double", "single", "escaping of extended identifiers in results") \
	ROW(exclusive_filter, result-filter, "D2", "inclusive", "exclusive", "whether what matches a result-filter is kept or left out") \
	ROW(strict_extended, extended-identifiers, "2.6", "lenient", "strict", "whether an extended identifier that is not canonical XML is brought into shape or refused") \
	ROW(fold_domain, administrative-domain-case, "2.4", "sensitive", "insensitive", "comparison of administrative domains") \
	ROW(fold_username, username-case, "D7", "sensitive", "insensitive", "comparison of identities of this type") \
	ROW(fold_kerberos, kerberos-principal-case, "D7", "sensitive", "insensitive", "comparison of identities of this type") \
	ROW(fold_sip, sip-uri-case, "D7", "sensitive", "insensitive", "comparison of identities of this type") \
	ROW(fold_aik, aik-name-case, "D7", "sensitive", "insensitive", "comparison of identities of this type") \
	ROW(fold_other, other-case, "D7", "sensitive", "insensitive", "comparison of identities of type other that are not extended") \
	ROW(spare_extended, terminal-identity, "D12", "all", "nonextended", "which identities terminal-identifier-type identity stops at") \
	ROW(purge_denied, purge-without-id, "D13", "failure", "access-denied", "answer to purgePublisher without ifmap-publisher-id") \
	ROW(no_negatives, negative-limits, "D19", "maximum", "refused", "max-depth or max-size of -1") \
	ROW(session_failure, missing-session-id, "D20", "invalid-session-id", "failure", "answer to a request without session-id") \
	ROW(refuse_empty, empty-publish, "9.8", "accepted", "refused", "a publish without any operation") \
	ROW(check_standard, standard-metadata, "9.11", "unchecked", "checked", "whether standard metadata must have the elements and values of its schema") \
	ROW(whole_seconds, timestamp-fraction, "16", "sent", "omitted", "ifmap-timestamp-fraction, unknown to schemas before 2.1")
/* clang-format on */

struct ifmap_dialect {
#define IFMAP_DIALECT_MEMBER(member, ...) unsigned member;
	IFMAP_DIALECT(IFMAP_DIALECT_MEMBER)
#undef IFMAP_DIALECT_MEMBER
};

/* All defaults. */
extern const struct ifmap_dialect IFMAP_DIALECT_DEFAULT;
