#pragma once
/* The part of the map that makes a world: parameters of the one search or subscription, from the
 * fleet. */

#define WORLD_DEPTH 3 /* fleet - vApp - machine - host */
#define WORLD_MATCH_LINKS                                                               \
	"d:in-fleet or d:enrolled or d:member-of or d:runs-on or d:segment-present or " \
	"d:fabric-link or d:enforced or d:seen or d:progress or d:reservation or d:clearance"
#define WORLD_RESULT_FILTER                                                                   \
	WORLD_MATCH_LINKS " or d:host or d:capacity or d:routes or d:history or d:fenced or " \
			  "d:package or d:label-policy or d:request or d:label or "           \
			  "d:protection or d:definition or d:order"
