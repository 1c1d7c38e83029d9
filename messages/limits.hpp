// Every named limit of Muster, and what happens when it is reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace muster::limits {

using std::chrono::milliseconds;

// -- messages -----------------------------------------------------------------

/// A frame on a wire or in the journal; a larger one is refused as malformed_frame and its connection is closed.
inline constexpr std::size_t frame_bytes = 64u << 20;
/// Words a parsed message may be read over its own size; more is an amplification attack: malformed_frame.
inline constexpr std::size_t parse_slack_words = 1024;
/// Depth of pointers in a parsed message; deeper: malformed_frame.
inline constexpr int parse_nesting = 32;

// -- persistence --------------------------------------------------------------

/// Rows in one journal commit; more wait for the next commit.
inline constexpr std::size_t journal_batch_rows = 20'000;
/// Log rows after which the journal folds them into its snapshot.
inline constexpr std::size_t journal_rows_before_snapshot = 50'000;
/// Rows that one fold moves; a fold goes on at the next commit.
inline constexpr std::size_t journal_fold_rows = 1'000;
/// Rows in one page of a replay.
inline constexpr std::size_t journal_page_rows = 2'000;
/// Bytes of one journal row's payload; a larger one is a programming error and refused.
inline constexpr std::size_t journal_payload_bytes = 16u << 20;
/// Segments in one answer of the catalogue; more come in further pages.
inline constexpr std::size_t catalogue_page_segments = 4'000;
/// Segments one import may register at once; a larger import is refused with the advice to append.
inline constexpr std::size_t import_segments = 100'000;
/// Databases of the catalogue, "default" too; the next one is refused: database_num_limit_exceeded.
inline constexpr std::size_t databases = 64;
/// Properties of a database; more are refused: parameter_invalid.
inline constexpr std::size_t database_properties = 64;
/// Bytes of a property's key or value; longer ones are refused.
inline constexpr std::size_t property_bytes = 4'096;
/// Segments of which the gateway remembers that their files are to be deleted; the files of more stay until the next start.
inline constexpr std::size_t dropped_segments = 200'000;
/// Shards of a collection; more are refused.
inline constexpr std::size_t shards = 64;
/// Dimensions of a vector; more are refused.
inline constexpr std::size_t dimensions = 32'768;
/// Rows of a segment; more are refused.
inline constexpr std::size_t segment_rows = 4'000'000;
/// Rows from which a segment gets an HNSW index; below it is searched by brute force.
inline constexpr std::size_t hnsw_rows = 1'000;

// -- actors -------------------------------------------------------------------

/// Unanswered requests of one actor (CAF keeps them in a linear list); the next one fails at once: too_many_requests.
inline constexpr std::size_t outstanding_requests = 256;
/// Segments in one chunk of a truth; a fuller chunk splits.
inline constexpr std::size_t chunk_segments = 128;
/// Copies, or views, in one: a report changes one row, and its whole chunk is written and read once for it.
inline constexpr std::size_t chunk_copies = 32;
/// Collections whose replicas change together and are still named one by one in the log.
inline constexpr std::size_t replica_news = 16;
/// Segments and collections that a checker looks at in one turn; the rest comes in further turns, so that others have theirs.
inline constexpr std::size_t checked_entities = 10'000;
/// Segment ids listed as touched for one collection in one publication; more: the collection counts as wholly touched.
inline constexpr std::size_t touched_segments = 1'000;
/// How long a subscriber may take for one publication before it is given everything anew.
inline constexpr milliseconds publication_timeout{10'000};
/// Proposals a checker sends for one publication; the rest follows with the next.
inline constexpr std::size_t proposals_per_batch = 1'000;
/// Time of one slow walk of a checker over everything, for what no change told.
inline constexpr milliseconds sweep_round{300'000};
/// Segments and collections that one slice of that walk looks at; the walk goes on with the next slice.
inline constexpr std::size_t sweep_entities = 1'000;
/// Tasks in flight in the whole cluster; further proposals are refused (task_limit) and come again when one ends. Tasks of one
/// priority may take up nine tenths of it, so that a flood of one leaves room for the others.
inline constexpr std::size_t tasks_in_flight = 20'000;
/// Tasks that wait for a slot of one node; likewise.
inline constexpr std::size_t tasks_waiting_per_node = 5'000;
/// Tasks whose order is at a node, in the whole cluster; others wait.
inline constexpr std::size_t tasks_running = 10'000;
/// Orders of one kind (loads; channels; all else) that one node works on at a time: CPUs of the node times the factor, rounded
/// up, for loads; the cap for the others and for nodes that do not say how many CPUs they have. Others wait in task_scheduler.
inline constexpr double task_parallelism_factor = 4;
inline constexpr std::size_t task_execution_cap = 256;
/// The longest that a task waits for a slot; then it ends and its proposer is told.
inline constexpr milliseconds task_waiting_timeout{60'000};
/// A task of lower priority that has waited this long gets every second slot that its node frees, the oldest first.
inline constexpr milliseconds low_priority_wait{2'000};
/// Ended tasks that are remembered for people, and for how long.
inline constexpr std::size_t recent_tasks = 256;
inline constexpr milliseconds recent_tasks_age{900'000};
/// Requests that wait for tasks they asked for; the next one is refused: too_many_requests.
inline constexpr std::size_t task_waits = 1'000;
/// The longest such a wait.
inline constexpr milliseconds task_wait_timeout{120'000};
/// Orders that a node may fail in a row before other nodes are preferred to it.
inline constexpr std::uint32_t node_failures = 3;
/// Collections whose load failures are remembered (the oldest goes), error codes for each, and for how long.
inline constexpr std::size_t failed_collections = 10'000;
inline constexpr std::size_t failure_codes = 16;
inline constexpr milliseconds load_failures_age{86'400'000};
/// How often an order that takes long says how far it is; each time its deadline starts anew.
inline constexpr milliseconds order_progress{1'000};
/// Orders of one node on the wire at a time; the rest waits in its executor.
inline constexpr std::size_t orders_in_flight_per_node = 1'024;
/// Time for an order before its outcome counts as unknown.
inline constexpr milliseconds order_timeout{30'000};
/// First and longest wait after a task failed, before its key is tried again (doubling).
inline constexpr milliseconds retry_first{100};
inline constexpr milliseconds retry_longest{10'000};
/// Keys whose failures are remembered; the oldest is forgotten beyond that.
inline constexpr std::size_t remembered_failures = 10'000;
/// Moves of balance in flight over all collections; further collections wait for their turn.
inline constexpr std::size_t balance_moves_in_flight = 2'000;
/// Moves off leaving nodes that are proposed for one replica at a time; the next batch comes when they have ended.
inline constexpr std::size_t balance_drain_batch = 500;
/// Segments in flight towards a node up to which balance sends it more; above, the rest of the plan waits.
inline constexpr std::size_t balance_moves_to_node = 200;
/// Collections that one check plans for; the others wait for the next, which comes after `retry_first` at the latest.
inline constexpr std::size_t balance_collections = 500;
/// Moves for evenness that one plan looks ahead; the next plan goes on.
inline constexpr std::size_t balance_planned_moves = 1'000;

/// Restarts in place within the window; one more ends the process. One that somebody asks for counts too, and is refused before
/// it could end the process.
inline constexpr std::size_t restarts = 20;
inline constexpr milliseconds restart_window{60'000};

// -- seeing inside ------------------------------------------------------------

/// Bytes of a log file, and old ones that are kept beside it; the oldest is deleted.
inline constexpr std::size_t log_file_bytes = 16u << 20;
inline constexpr std::size_t log_files = 8;
/// A line that was written within this time is not written again; then one says how often it came.
inline constexpr milliseconds log_repeat{30'000};
/// Different lines that are remembered for that; of more the oldest is forgotten and may be written again.
inline constexpr std::size_t log_remembered = 256;
/// Actors that are tapped at a time; the next tap is refused: too_many_requests.
inline constexpr std::size_t taps = 8;
/// A tap that nobody asks for so long ends.
inline constexpr milliseconds tap_lease{10'000};
/// The longest a question to a tap waits for a message, and how often it is looked at meanwhile.
inline constexpr milliseconds tap_wait{10'000};
inline constexpr milliseconds tap_look{20};
/// Messages a second that a tap takes unless asked otherwise, and at most; more are counted and left out.
inline constexpr std::size_t tap_rate = 100;
inline constexpr std::size_t tap_rate_most = 10'000;
/// Messages, and bytes of messages, that a tap holds for who asks; more are counted and left out.
inline constexpr std::size_t tap_messages = 10'000;
inline constexpr std::size_t tap_bytes = 32u << 20;
/// Messages and bytes in one answer of a tap; the rest comes with the next. A larger message is counted and left out.
inline constexpr std::size_t tap_reply_messages = 1'000;
inline constexpr std::size_t tap_reply_bytes = 16u << 20;
/// JSON of one tapped message; of a larger one only its size is told.
inline constexpr std::size_t tap_json_bytes = 64u << 10;
/// Records of the journal in one answer unless asked otherwise, and at most; more are refused: parameter_invalid.
inline constexpr std::size_t journal_records = 20;
inline constexpr std::size_t journal_records_most = 1'000;
/// Bytes of the records in one answer; the rest comes with the next question.
inline constexpr std::size_t journal_records_bytes = 16u << 20;
/// Tasks in one list unless asked otherwise.
inline constexpr std::size_t listed_tasks = 1'000;

// -- requests -----------------------------------------------------------------

/// Requests that the gateway has in flight; the next one is refused: too_many_requests.
inline constexpr std::size_t client_requests = 200;
/// Jobs that wait for one collection; the next one is refused: too_many_requests.
inline constexpr std::size_t jobs_per_collection = 64;
/// The longest a load or release request may wait (it may ask for less).
inline constexpr milliseconds job_timeout{600'000};
/// A load in which nothing moved for so long is given up: what of it is not loaded is no longer desired.
inline constexpr milliseconds load_timeout{600'000};
/// A next target that is not current after this time is compared with the data source again.
inline constexpr milliseconds next_target_survives{300'000};
/// Wait before the data source is asked again after a failed answer; doubles up to the second one.
inline constexpr milliseconds pull_retry_first{1'000};
inline constexpr milliseconds pull_retry_longest{60'000};
/// Who may wait for a refresh of targets at once; the next one is refused: too_many_requests.
inline constexpr std::size_t refresh_waiters = 200;
/// The longest a refresh may be waited for (a request may ask for less).
inline constexpr milliseconds refresh_timeout{600'000};
/// The longest a read may take.
inline constexpr milliseconds read_timeout{5'000};
/// The longest a question to inspector may take: a wait for events, a tap, a what-if.
inline constexpr milliseconds inspect_timeout{35'000};
/// A commit to the journal, as seen by who asks metadata.
inline constexpr milliseconds commit_timeout{60'000};
/// A request to the data source.
inline constexpr milliseconds data_timeout{30'000};
/// Bytes of the JSON that a request for metrics may be; more: parameter_invalid.
inline constexpr std::size_t metrics_request_bytes = 64u << 10;
/// Segments, channels, views and the like that one answer to it may name; more: parameter_invalid, with the advice to ask for one
/// collection.
inline constexpr std::size_t metrics_objects = 100'000;
/// Resource groups, the default one included; one more is refused: resource_group_reach_limit.
inline constexpr std::size_t resource_groups = 1'024;
/// Nodes that one commit moves between resource groups; the rest follows with the next.
inline constexpr std::size_t group_moves = 4'096;
/// How often a change of groups or replicas is planned anew because another change came first; then: stale_premise.
inline constexpr std::size_t premise_retries = 16;
/// Replicas of a collection; more are refused.
inline constexpr std::size_t replicas = 64;
/// Starts of the coordinator that a load may live through before it is given up.
inline constexpr std::uint32_t collection_recover_times = 3;
/// Collections that cannot be searched and that a health check names.
inline constexpr std::size_t unhealthy_named = 100;
/// Who may watch shard leaders at once; the next one is refused by closing its watch.
inline constexpr std::size_t route_watchers = 10'000;
/// Questions that wait until who publishes routes has seen what the gateway has; one more is answered from what it knows.
inline constexpr std::size_t route_waits = 1'000;
/// How long they wait at most, then they are answered from what it knows too.
inline constexpr milliseconds route_wait{100};
/// Collections that are no longer loaded and of which watchers of shard leaders are still told so; over it the one longest gone is
/// forgotten, and a watcher that has not been told of it gets a whole update.
inline constexpr std::size_t route_tombstones = 1'000;
/// Collections waited for at once by load and release jobs.
inline constexpr std::size_t awaits = 200;

// -- introspection ------------------------------------------------------------

/// So many publications of situations come to inspector at once, and from then on one in each pause, with what changed meanwhile:
/// what is switched off and on again in a quiet cluster is two events, and at full load it costs next to nothing.
inline constexpr std::size_t inspector_burst = 20;
inline constexpr milliseconds inspector_pause{100};
/// Decisions that are remembered; over it the oldest are forgotten.
inline constexpr std::size_t decisions = 1'000'000;
/// Bytes of the log of all events; over it the oldest are forgotten, also when these are fewer decisions.
inline constexpr std::size_t event_log_bytes = 50u << 20;
/// Decisions of which the whole list of nodes is remembered.
inline constexpr std::size_t candidate_lists = 10'000;
/// Bytes of these lists; over it the oldest are forgotten.
inline constexpr std::size_t candidate_list_bytes = 8u << 20;
/// Lists that are made in one second; decisions beyond have winner and runner-up alone.
inline constexpr std::size_t candidate_lists_per_s = 1'000;
/// Changes of tasks in one message to inspector, and such that wait for the next; those beyond are counted as lost.
inline constexpr std::size_t task_news = 4'096;
inline constexpr std::size_t task_news_waiting = 65'536;
/// Notices in the mailbox of inspector; one more is dropped and counted.
inline constexpr std::size_t notices_waiting = 4'096;
/// Events in one answer.
inline constexpr std::size_t events_answered = 10'000;
/// Who may wait for events at once; the next one is refused: too_many_requests.
inline constexpr std::size_t event_waiters = 200;
/// The longest they may wait.
inline constexpr milliseconds event_wait{30'000};
/// Standing problems of each kind that are remembered; one more takes the place of the oldest.
inline constexpr std::size_t problems = 1'000;
/// How long a node that was refused is taken to be still trying: it dials each `redial_refused`.
inline constexpr milliseconds refused_node_remembered{15'000};
/// Nodes that a what-if may add.
inline constexpr std::size_t what_if_nodes = 1'000;
/// Collections that one what-if plans for; the largest count.
inline constexpr std::size_t what_if_collections = 200;
/// Segments of these, near enough.
inline constexpr std::size_t what_if_items = 100'000;
/// Moves that one names; the numbers are of all.
inline constexpr std::size_t what_if_moves = 10'000;
/// Collections that an overview names.
inline constexpr std::size_t overview_unfinished = 100;
/// Columns of a placement map that names no number, and the most there may be.
inline constexpr std::size_t map_columns_default = 1'000;
inline constexpr std::size_t map_columns = 2'000;
/// Cells of a placement map, a byte each; with more nodes each column has more collections.
inline constexpr std::size_t map_cells = 1'500'000;
/// Collections in one answer about what a node has.
inline constexpr std::size_t map_holdings = 10'000;

// -- nodes --------------------------------------------------------------------

/// One burst of beats to all nodes.
inline constexpr milliseconds beat_interval{500};
/// A beat that comes so much too late was held up here, and what was held up with it counts as nobody's silence.
inline constexpr milliseconds beat_late{100};
/// Silence after which a node is suspect: no routes to it any more. With the beat interval this is seen in at most 1,400 ms.
inline constexpr milliseconds suspect_after{900};
/// Default of node_gone_ms: how long a suspect node's segments are kept for it.
inline constexpr milliseconds node_gone{1'500};
/// Nodes of a cluster; the next one is refused.
inline constexpr std::size_t nodes = 4'096;
/// Wait of a node before it dials the coordinator again.
inline constexpr milliseconds redial{100};
/// How often a standby looks whether the data folder of its coordinator is free.
inline constexpr milliseconds standby_look{100};
/// Wait of a node before it dials a peer again.
inline constexpr milliseconds peer_redial{50};
/// Entries (copies, view entries) in one report; a full report has several pages.
inline constexpr std::size_t report_entries = 4'000;
/// Segments that one node loads at a time; others wait.
inline constexpr std::size_t loads_at_once = 2;
/// Loads that wait at a node; the next one is refused: too_many_requests.
inline constexpr std::size_t loads_waiting = 100'000;
/// Threads that search on one node.
inline constexpr std::size_t readers = 2;
/// Searches in flight at one delegator; the next one is refused: too_many_requests.
inline constexpr std::size_t searches_per_delegator = 64;
/// Calls from one node to another in flight; the next one is refused: too_many_requests.
inline constexpr std::size_t peer_calls = 200;
/// The longest a search may take (a request may ask for less).
inline constexpr milliseconds search_timeout{60'000};
/// Time for a peer to load or release a segment.
inline constexpr milliseconds peer_load_timeout{25'000};
/// Hits a search may ask for; more are refused.
inline constexpr std::size_t search_k = 16'384;
/// Query vectors in one search request; more are refused.
inline constexpr std::size_t search_queries = 1'024;
/// Rows of one name in an answer; a search by a name that has more is refused.
inline constexpr std::size_t named_rows = 1'000;
/// Wait of a node before it dials a coordinator again that refused it.
inline constexpr milliseconds redial_refused{2'000};
/// Silence of the coordinator (its beats come each 500 ms) after which a node closes the link and dials again.
inline constexpr milliseconds coordinator_silence{5'000};
/// Time for a node to say who it is on a new link; over it the coordinator closes the link. Nobody beats on it, so a break that it
/// did not hear of would keep the link for ever.
inline constexpr milliseconds hello_timeout = coordinator_silence;
/// How often a node looks whether the coordinator is silent.
inline constexpr milliseconds silence_check{1'000};
/// Order results in one frame; more go into the next.
inline constexpr std::size_t results_per_frame = 1'000;
/// Loads of one delegator that its workers have at a time; further ones wait in the delegator.
inline constexpr std::size_t delegator_loads = 64;
/// Loads and releases for other nodes in flight at peer_exchange, out and in each; further ones wait there.
inline constexpr std::size_t peer_loads = 100;
/// Searches for other nodes that a node works on at a time; the next one is refused: too_many_requests.
inline constexpr std::size_t peer_searches = 128;
/// Loads and releases that wait at peer_exchange, out and in each; the next one is refused: too_many_requests.
inline constexpr std::size_t peer_loads_waiting = 100'000;
/// How often peer_exchange looks for calls whose deadline has passed.
inline constexpr milliseconds peer_check{100};
/// Time for segment_store to have a change noted by node_agent.
inline constexpr milliseconds note_timeout{10'000};

// -- net ----------------------------------------------------------------------

/// Bytes that wait to be written to one link; over it the link is closed (its session starts anew with a full report).
inline constexpr std::size_t link_queued_bytes = 256u << 20;
/// Connections that a process has accepted and keeps; the next one is closed at once.
inline constexpr std::size_t connections = 16'384;
/// Time to connect, and then again for the first answer; over it the dial has failed.
inline constexpr milliseconds dial_timeout{2'000};
/// How long a link that we closed may take to drain before its connection is cut.
inline constexpr milliseconds link_linger{1'000};
/// Pause of a listener after the system refused a new connection (no more descriptors).
inline constexpr milliseconds accept_pause{100};
/// What the edges add to a deadline, so that the answer of who is asked (it knows why) comes before theirs.
inline constexpr milliseconds reply_slack{250};
/// Default of a client's search deadline.
inline constexpr milliseconds search_deadline{500};
/// How long a search waits for a collection that a client's routes do not name while they are up to date: it may just be loaded.
inline constexpr milliseconds route_delay{200};
/// After this time without an answer a client asks another replica as well.
inline constexpr milliseconds search_hedge{150};

// -- HTTP ---------------------------------------------------------------------

/// Bytes of a request's body; more: 413.
inline constexpr std::size_t http_body_bytes = 8u << 20;
/// Bytes of the path, query and headers of a request; more: 431.
inline constexpr std::size_t http_header_bytes = 16u << 10;
/// Connections of the door; one more is answered with 503 and closed.
inline constexpr std::size_t http_connections = 200;
/// Requests a second, of all clients together, with as many at once after a pause; more: 429 with Retry-After.
inline constexpr std::size_t http_requests_per_second = 1'000;
/// Searches that the door has in flight; one more: 429.
inline constexpr std::size_t http_searches = 64;
/// Open streams of events; one more: 429.
inline constexpr std::size_t http_streams = 32;
/// Time for the headers of a request, counted from its first byte; over it the connection is closed.
inline constexpr milliseconds http_header_timeout{10'000};
/// Time for a body; over it: 408.
inline constexpr milliseconds http_body_timeout{30'000};
/// Time for a client to take (a part of) an answer; over it the connection is closed.
inline constexpr milliseconds http_write_timeout{30'000};
/// How long a connection without a request is kept.
inline constexpr milliseconds http_idle_timeout{60'000};
/// A stream of events that has nothing to tell says so this often.
inline constexpr milliseconds http_keep_alive{15'000};
/// Events in one part of a stream; more come in the next.
inline constexpr std::size_t http_events = 1'000;
/// Deadline of a search over HTTP that names none.
inline constexpr milliseconds http_search_deadline{5'000};
/// The longest that the door waits for the answer to a request that only reads.
inline constexpr milliseconds http_read_timeout{60'000};

} // namespace muster::limits
