//! The environment variables of Ray: what every node gets, and which names Ray listens to.
use super::ports::GCS;
use super::version::RayVersion;
use crate::model::UNKNOWN;
use crate::resource::kit::Problem;
use crate::resource::pods::{Environment, PodArguments};

/// Returns the variables that every node of a cluster gets.
///
/// Nothing here says that `KubeRay` is at work: Ray's usage statistics must not count these clusters as its own.
pub(crate) fn common_environment(cluster: &str, namespace: &str, group: &str, head_host: &str) -> Environment {
    let mut environment = Environment::default();
    environment.set("RAY_ADDRESS", format!("{head_host}:{GCS}"));
    environment.set("RAY_PORT", GCS.to_string());
    environment.set("RAY_CLUSTER_NAME", cluster);
    environment.set("RAY_CLUSTER_NAMESPACE", namespace);
    environment.set("RAY_NODE_TYPE_NAME", group);
    environment.set("RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "1");
    environment.set_field("RAY_CLOUD_INSTANCE_ID", "metadata.name");
    environment
}

/// Lets only those in who know the token. Ray 2.52 asks for it even where its own raylets and GCS send metrics by
/// OpenTelemetry, which have none: there the older way is taken, and the metrics are the same.
///
/// <https://github.com/ray-project/ray/issues/59361>
pub(crate) fn authenticate(environment: &mut Environment, secret: &str, key: &str, version: Option<RayVersion>) {
    environment.set("RAY_AUTH_MODE", "token");
    environment.set_secret("RAY_AUTH_TOKEN", secret, key);
    if version.is_some_and(|version| (RayVersion(2, 52, 0)..RayVersion(2, 53, 0)).contains(&version)) {
        environment.set("RAY_enable_open_telemetry", "false");
    }
}

/// Checks the names and some values of the variables that a block sets.
pub(crate) fn check_environment(arguments: &PodArguments) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, value) in &arguments.env {
        problems.extend(check_name(name, format!("env/{name}")));
        problems.extend(check_url(name, &value.0));
        problems.extend(check_password(name, &value.0));
    }
    for (index, value) in arguments.env_value.iter().enumerate() {
        problems.extend(check_name(&value.name, format!("env_value/{index}/name")));
    }
    problems
}

/// Ray reads `RAY_` and the exact name of the setting; a variable in other case is silently ignored.
///
/// <https://github.com/ray-project/ray/blob/master/src/ray/common/ray_config.h>
fn check_name(name: &str, argument: String) -> Option<Problem> {
    let suffix = name.strip_prefix("RAY_").or_else(|| name.strip_prefix("ray_"))?;
    let settings = || SETTINGS.split_whitespace();
    if name.starts_with("RAY_")
        && (settings().any(|known| known == suffix) || VARIABLES.split_whitespace().any(|known| known == suffix))
    {
        return None;
    }
    if let Some((_, right)) = NO_SUCH.iter().find(|(wrong, _)| *wrong == name) {
        let message = format!("Ray does not read `{name}`");
        return Some(Problem::warning(argument, message).code("RF610").hint(*right));
    }
    let all = settings().chain(VARIABLES.split_whitespace());
    match all.into_iter().find(|known| known.eq_ignore_ascii_case(suffix)) {
        Some(known) => {
            let message = format!("Ray does not read `{name}`: the case of the letters matters");
            Some(Problem::error(argument, message).code("RF610").hint(format!("write `RAY_{known}`")))
        }
        None if name.starts_with("RAY_") => {
            let message = format!("`{name}` is not a variable that Ray is known to read");
            Some(
                Problem::warning(argument, message)
                    .code("RF610")
                    .hint("a name that Ray does not know is silently ignored"),
            )
        }
        None => None,
    }
}

/// Ray joins paths to these URLs.
///
/// <https://docs.ray.io/en/latest/cluster/configure-manage-dashboard.html>
fn check_url(name: &str, value: &str) -> Option<Problem> {
    let is_meant = ["RAY_GRAFANA_HOST", "RAY_GRAFANA_IFRAME_HOST", "RAY_PROMETHEUS_HOST"].contains(&name);
    if !is_meant || value.contains(UNKNOWN) {
        return None;
    }
    let has_scheme = value.starts_with("http://") || value.starts_with("https://");
    (!has_scheme || value.ends_with('/')).then(|| {
        let message = format!("`{name}` must begin with `http://` or `https://` and must not end with `/`");
        Problem::warning(format!("env/{name}"), message).code("RF617")
    })
}

fn check_password(name: &str, value: &str) -> Option<Problem> {
    let is_secret = ["REDIS_PASSWORD", "RAY_AUTH_TOKEN", "RAY_REDIS_PASSWORD"].contains(&name);
    (is_secret && !value.is_empty()).then(|| {
        let message = format!("`{name}` stands as plain text in the pods");
        let hint = format!("write `env_value \"{name}\" {{ secret = …, key = … }}`");
        Problem::warning(format!("env/{name}"), message).code("RF310").hint(hint)
    })
}

/// Variables that guides on the web name and Ray does not have, and what to use.
const NO_SUCH: [(&str, &str); 5] = [
    ("RAY_DASHBOARD_PORT", "the port of the dashboard is fixed: 8265"),
    ("RAY_METRICS_EXPORT_PORT", "write `ray_start_params = { \"metrics-export-port\" = … }`; it is 8080 already"),
    ("RAY_OBJECT_STORE_MAX_MEMORY_BYTES", "write `object_store_memory = \"2Gi\"`"),
    ("RAY_PLASMA_DIRECTORY", "write `ray_start_params = { \"plasma-directory\" = … }`"),
    (
        "RAY_DASHBOARD_PASSWORD",
        "the dashboard has no password; write `auth {}` for token authentication, Ray 2.52 or later",
    ),
];

/// Settings that are read as `RAY_` and the name as it stands here (`ray_config_def.h`).
const SETTINGS: &str = "
    AUTH_MODE ENABLE_K8S_TOKEN_AUTH actor_excess_queueing_warn_threshold actor_graceful_shutdown_timeout_ms
    agent_max_grpc_message_size agent_register_timeout_ms automatic_object_spilling_enabled
    core_worker_internal_heartbeat_ms core_worker_rpc_server_reconnect_timeout_base_s
    core_worker_rpc_server_reconnect_timeout_max_s count_swap_in_memory_monitor custom_unit_instance_resources
    debug_dump_period_milliseconds emit_main_service_metrics enable_autoscaler_v2 enable_cluster_auth
    enable_grpc_metrics_collection_for enable_metrics_collection enable_open_telemetry enable_ray_event
    enable_timeline enable_worker_prestart event_stats event_stats_print_interval_ms external_storage_namespace
    fetch_fail_timeout_milliseconds fetch_warn_timeout_milliseconds free_objects_batch_size
    free_objects_period_milliseconds gcs_actor_table_min_duration_ms gcs_grpc_initial_reconnect_backoff_ms
    gcs_grpc_max_reconnect_backoff_ms gcs_grpc_max_request_queued_max_bytes gcs_grpc_min_reconnect_backoff_ms
    gcs_max_active_rpcs_per_handler gcs_pull_resource_loads_period_milliseconds
    gcs_redis_heartbeat_interval_milliseconds gcs_rocksdb_io_pool_size gcs_rpc_server_connect_timeout_s
    gcs_rpc_server_reconnect_timeout_s gcs_server_request_timeout_seconds gcs_server_rpc_client_thread_num
    gcs_server_rpc_server_thread_num gcs_storage gcs_storage_path get_check_signal_interval_milliseconds
    global_gc_min_interval_s grpc_enable_http_proxy handler_warning_timeout_ms health_check_failure_threshold
    health_check_initial_delay_ms health_check_period_ms health_check_timeout_ms idle_worker_killing_memory_threshold_bytes
    idle_worker_killing_time_threshold_ms kill_idle_workers_interval_ms kill_worker_timeout_milliseconds
    lineage_pinning_enabled local_fs_capacity_threshold local_fs_monitor_interval_ms local_gc_interval_s
    local_gc_min_interval_s locality_aware_leasing_enabled log_rotation_backup_count log_rotation_max_bytes
    max_command_batch_size max_direct_call_object_size max_error_msg_size_bytes max_fused_object_count
    max_grpc_message_size max_io_workers max_lineage_bytes max_num_generator_returns
    max_pending_lease_requests_per_scheduling_category max_placement_group_load_report_size
    max_resource_shapes_per_load_report max_spilling_file_size_bytes max_task_args_memory_fraction
    maximum_gcs_dead_node_cached_count maximum_gcs_destroyed_actor_cached_count memory_monitor_refresh_ms
    memory_usage_threshold metric_cardinality_level metrics_report_batch_size metrics_report_interval_ms
    min_memory_free_bytes min_spilling_size num_redis_request_retries num_workers_soft_limit
    object_manager_default_chunk_size object_manager_max_bytes_in_flight object_manager_pull_timeout_ms
    object_manager_push_timeout_ms object_spilling_config object_spilling_directory object_spilling_threshold
    object_store_full_delay_ms object_timeout_milliseconds oom_grace_period_s plasma_store_usage_trigger_gc_threshold
    pop_worker_max_retries preallocate_plasma_memory predefined_unit_instance_resources prestart_worker_first_driver
    publish_batch_size publisher_entity_buffer_max_bytes ray_syncer_message_refresh_interval_ms
    raylet_client_connect_timeout_milliseconds raylet_client_num_connect_attempts
    raylet_death_check_interval_milliseconds raylet_report_resources_period_milliseconds raylet_start_wait_time_s
    record_ref_creation_sites record_task_actor_creation_sites redis_db_connect_retries
    redis_db_connect_wait_milliseconds redis_retry_base_ms redis_retry_max_ms redis_retry_multiplier
    report_actor_placement_resources report_worker_backlog_interval_ms scheduler_report_pinned_bytes_only
    scheduler_spread_threshold scheduler_top_k_absolute scheduler_top_k_fraction subscriber_timeout_ms support_fork
    task_events_max_num_task_in_gcs task_events_report_interval_ms task_failure_entry_ttl_ms task_oom_retries
    task_oom_retry_delay_base_ms task_retry_delay_ms task_rpc_inlined_bytes_limit timeout_ms_task_wait_for_death_info
    verbose_spill_logs worker_cap_enabled worker_killing_policy_by_group worker_lease_timeout_milliseconds
    worker_maximum_startup_concurrency worker_niceness worker_oom_score_adjustment worker_register_timeout_seconds
    yield_plasma_lock_workaround";

/// Variables that Ray's Python parts read.
const VARIABLES: &str = "
    ADDRESS AUTH_TOKEN AUTH_TOKEN_PATH BACKEND_LOG_LEVEL CLOUD_INSTANCE_ID CLUSTER_NAME CLUSTER_NAMESPACE
    COLOR_PREFIX DASHBOARD_ADDRESS DASHBOARD_ENABLE_K8S_DISK_USAGE DASHBOARD_ENABLE_PROFILING
    DASHBOARD_INGEST_PLATFORM_EVENTS DASHBOARD_UI DEBUG DEDUP_LOGS DISABLE_DOCKER_CPU_WARNING DISABLE_MEMORY_MONITOR
    ENABLE_RECORD_ACTOR_TASK_LOGGING ENABLE_UV_RUN_RUNTIME_ENV ENABLE_WINDOWS_OR_OSX_CLUSTER
    EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S GRAFANA_HOST GRAFANA_IFRAME_HOST
    GRAFANA_ORG_ID IP JOB_START_TIMEOUT_SECONDS LOGGING_LEVEL LOG_TO_DRIVER LOG_TO_STDERR NAMESPACE
    NODE_TYPE_NAME OBJECT_STORE_ALLOW_SLOW_STORAGE OVERRIDE_JOB_RUNTIME_ENV PORT PROFILING PROMETHEUS_HEADERS
    PROMETHEUS_HOST PROMETHEUS_NAME REDIS_ADDRESS REDIS_PASSWORD ROTATION_BACKUP_COUNT ROTATION_MAX_BYTES
    RUNTIME_ENV_HOOK RUNTIME_ENV_TEMPORARY_REFERENCE_EXPIRATION_S RUNTIME_ENV_WORKING_DIR_CACHE_SIZE_GB
    SCHEDULER_EVENTS SERVE_ENABLE_HA_PROXY SERVE_KV_TIMEOUT_S SERVE_LLM_ENABLE_DIRECT_STREAMING
    SERVE_MAX_REPLICAS_PER_NODE SERVE_PROXY_READY_CHECK_TIMEOUT_S SERVE_REQUEST_PROCESSING_TIMEOUT_S
    SERVE_THROUGHPUT_OPTIMIZED START_ULIMIT_OPEN_FILES STORAGE TLS_CA_CERT TLS_SERVER_CERT TLS_SERVER_KEY TMPDIR
    TQDM TRAIN_ENABLE_V2_MIGRATION_WARNINGS TRAIN_V2_ENABLED USAGE_STATS_ENABLED USE_TLS WARN_BLOCKING_GET_INSIDE_ASYNC";

#[cfg(test)]
mod tests {
    use crate::model::Severity;

    #[track_caller]
    fn check(name: &str, expected: Option<(Severity, &str)>) {
        let problem = super::check_name(name, String::new());
        let actual = problem.as_ref().map(|problem| (problem.severity, problem.hint.as_deref().unwrap_or_default()));
        assert_eq!(actual, expected, "{name}");
    }

    #[test]
    fn the_case_of_a_variable_matters() {
        check("RAY_scheduler_spread_threshold", None);
        check("RAY_GRAFANA_HOST", None);
        check("MY_VARIABLE", None);
        check("RAY_SCHEDULER_SPREAD_THRESHOLD", Some((Severity::Error, "write `RAY_scheduler_spread_threshold`")));
        check("RAY_grafana_host", Some((Severity::Error, "write `RAY_GRAFANA_HOST`")));
        check("RAY_NO_SUCH", Some((Severity::Warning, "a name that Ray does not know is silently ignored")));
        check("RAY_DASHBOARD_PORT", Some((Severity::Warning, "the port of the dashboard is fixed: 8265")));
    }
}
