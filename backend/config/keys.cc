#include "config/keys.h"

#include <algorithm>
#include <cstdint>

#include "config/read_retention.h"
#include "config/readers.h"
#include "config/s3_values.h"

// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none
#define FIELD(member) [](Config& config) -> auto& { return config.member; }
#define ENDPOINT(member) FIELD(notifications.endpoints.back().member)
#define ACCESS(member) FIELD(berth.access.member)
#define RETENTION(member) FIELD(berth.retention.member)

namespace berth::config {
namespace {

using enum Standing;
constexpr auto scalar = Shape::scalar;
constexpr auto tree = Shape::tree;
constexpr auto list = Shape::list;

Result<> read_nothing(const Reading&) { return {}; } // elsewhere

// clang-format off
constexpr Key table[] = {
  {"version", works, scalar, read_nothing, "the version of this format; 0.1"}, // checked before all others, in load.cc

  {"loglevel", works, scalar, value<FIELD(log.level), to_level>, "the old spelling of log.level"},
  {"log.level", works, scalar, value<FIELD(log.level), to_level>, "error, warn, info or debug"},
  {"log.formatter", works, scalar, value<FIELD(log.format), to_log_format>, "the form of a log line: text, json or logstash"},
  {"log.fields", works, tree, value<FIELD(log.fields), to_log_fields>, "fields to add to every log line"},
  {"log.accesslog.disabled", nginx, scalar, value<FIELD(log.access_disabled), to_flag>, "whether there is no line for each request"},
  {"log.hooks", ignored, tree, warn_of_mail, "berth sends no mail: let what collects its log do so"},
  {"log.reportcaller", ignored, scalar, nullptr, "it names places in docker/distribution's source"},

  {"storage.filesystem.rootdirectory", works, scalar, value<FIELD(storage.root), to_path>, "the directory that holds everything"},
  {"storage.filesystem.maxthreads", ignored, scalar, nullptr, "berth.threads bounds what runs at once"},
  {"storage.s3.bucket", works, scalar, value<FIELD(storage.s3.bucket), to_bucket>, "the bucket that holds everything; it has to be there. s3aws is another name of s3"},
  {"storage.s3.region", works, scalar, value<FIELD(storage.s3.region), to_region>, "where it is; needed unless regionendpoint is given"},
  {"storage.s3.regionendpoint", works, scalar, value<FIELD(storage.s3.endpoint), to_endpoint>, "another store than AWS's: a URL, host or host:port"},
  {"storage.s3.accesskey", works, scalar, value<FIELD(storage.s3.access_key), to_key>, "who berth is there; default: AWS_ACCESS_KEY_ID, or ~/.aws/credentials", Secrecy::secret},
  {"storage.s3.secretkey", works, scalar, value<FIELD(storage.s3.secret_key), to_key>, "what proves it; default: AWS_SECRET_ACCESS_KEY, or as above", Secrecy::secret},
  {"storage.s3.sessiontoken", ignored, scalar, nullptr, "docker/distribution never reads it: temporary keys come with AWS_SESSION_TOKEN", Secrecy::secret},
  {"storage.s3.rootdirectory", works, scalar, value<FIELD(storage.s3.root_directory), to_key_prefix>, "what all keys begin with; default: nothing"},
  {"storage.s3.forcepathstyle", works, scalar, value<FIELD(storage.s3.force_path_style), to_flag>, "whether the bucket stands in the path; default: if regionendpoint is given"},
  {"storage.s3.encrypt", works, scalar, value<FIELD(storage.s3.encrypt), to_flag>, "whether the store is told to encrypt; default: false"},
  {"storage.s3.keyid", works, scalar, value<FIELD(storage.s3.key_id), to_header_text>, "the key of KMS that it encrypts with; default: its own"},
  {"storage.s3.secure", works, scalar, value<FIELD(storage.s3.secure), to_flag>, "whether an endpoint without a scheme is asked by https; default: true"},
  {"storage.s3.skipverify", works, scalar, value<FIELD(storage.s3.skip_verify), to_flag>, "whether its certificate may be any; default: false"},
  {"storage.s3.v4auth", works, scalar, refuse_old_signatures, "true: signatures of version 2 are refused"},
  {"storage.s3.chunksize", ignored, scalar, nullptr, "berth chooses the size of parts, from 16 MiB on, by that of the blob"},
  {"storage.s3.multipartcopychunksize", ignored, scalar, nullptr, "berth copies no layers"},
  {"storage.s3.multipartcopymaxconcurrency", ignored, scalar, nullptr, "the same"},
  {"storage.s3.multipartcopythresholdsize", ignored, scalar, nullptr, "the same"},
  {"storage.s3.storageclass", works, scalar, value<FIELD(storage.s3.storage_class), to_storage_class>, "the class of new objects, or NONE; default: the bucket's"},
  {"storage.s3.objectacl", works, scalar, value<FIELD(storage.s3.acl), to_acl>, "a canned ACL of new objects; default: none is sent"},
  {"storage.s3.useragent", works, scalar, value<FIELD(storage.s3.user_agent), to_header_text>, "what berth calls itself there; default: berth"},
  {"storage.s3.usedualstack", works, scalar, value<FIELD(storage.s3.dual_stack), to_flag>, "of AWS: whether IPv6 is spoken too; default: false"},
  {"storage.s3.accelerate", works, scalar, value<FIELD(storage.s3.accelerate), to_flag>, "of AWS: whether the bucket's accelerated endpoint is used; default: false"},
  {"storage.s3.usefipsendpoint", works, scalar, value<FIELD(storage.s3.fips), to_flag>, "of AWS: whether the endpoint with validated cryptography is used; default: false"},
  {"storage.s3.loglevel", ignored, scalar, nullptr, "it is of the SDK that docker/distribution uses"},
  {"storage.s3.redirectendpoint", works, scalar, value<FIELD(storage.s3.redirect_endpoint), to_redirect_endpoint>, "scheme and host that clients are sent to instead of there"},
  {"storage.cache.layerinfo", works, scalar, read_descriptor_cache, "the old spelling of storage.cache.blobdescriptor"},
  {"storage.cache.blobdescriptor", works, scalar, read_descriptor_cache, "where descriptors are remembered: inmemory or redis"},
  {"storage.cache.blobdescriptorsize", works, scalar, limited<FIELD(storage.cache_entries), 1, 10'000'000>, "how many descriptors are remembered"},
  {"storage.delete.enabled", works, scalar, read_delete, "whether clients may delete"},
  {"storage.redirect.disable", ignored, scalar, nullptr, "the filesystem store never redirects; true is refused with s3"},
  {"storage.maintenance.uploadpurging.enabled", works, scalar, value<FIELD(storage.purging.enabled), to_flag>, "whether abandoned uploads are removed; default: true"},
  {"storage.maintenance.uploadpurging.age", works, scalar, value<FIELD(storage.purging.age), to_age>, "how old an upload is when it counts as abandoned; default: 168h"},
  {"storage.maintenance.uploadpurging.interval", works, scalar, value<FIELD(storage.purging.interval), to_pause>, "how often to look for them; default: 24h"},
  {"storage.maintenance.uploadpurging.dryrun", works, scalar, value<FIELD(storage.purging.dry_run), to_flag>, "whether they are only named in the log"},
  {"storage.maintenance.readonly.enabled", works, scalar, value<FIELD(storage.read_only), to_flag>, "whether clients may only read"},
  {"storage.tag.concurrencylimit", ignored, scalar, nullptr, "berth reads a repository's tags in one pass"},

  {"auth.none", works, tree, nullptr, "no access control"},
  {"auth.htpasswd.realm", works, scalar, value<FIELD(auth.htpasswd.realm), to_text>, "what the challenge names"},
  {"auth.htpasswd.path", works, scalar, value<FIELD(auth.htpasswd.path), to_path>, "a file of lines `user:bcrypt hash`, read again when it changes"},
  {"auth.token.realm", works, scalar, value<FIELD(auth.token.realm), to_url>, "the URL of the token service"},
  {"auth.token.service", works, scalar, value<FIELD(auth.token.service), to_text>, "what a token must be for (`aud`)"},
  {"auth.token.issuer", works, scalar, value<FIELD(auth.token.issuer), to_text>, "who a token must be from (`iss`)"},
  {"auth.token.rootcertbundle", works, scalar, value<FIELD(auth.token.root_certificates), to_path>, "PEM certificates whose keys sign tokens, read again when they change"},
  {"auth.token.jwks", works, scalar, value<FIELD(auth.token.jwks), to_path>, "the same as a JSON Web Key Set"},
  {"auth.token.signingalgorithms", works, tree, value<FIELD(auth.token.algorithms), to_list>, "of RS256-512, PS256-512, ES256-512, EdDSA; default: all"},
  {"auth.token.autoredirect", works, scalar, value<FIELD(auth.token.auto_redirect), to_flag>, "whether the token service is at this registry's own host, whatever realm says"},
  {"auth.token.autoredirectpath", works, scalar, value<FIELD(auth.token.auto_redirect_path), to_text>, "its path there; default: /auth/token"},
  {"auth.silly.realm", works, scalar, value<FIELD(auth.silly.realm), to_text>, "for tests: any Authorization will do"},
  {"auth.silly.service", works, scalar, value<FIELD(auth.silly.service), to_text>, "the same"},

  {"middleware.registry", refused, tree, refuse_middleware, "docker/distribution has none of its own: a registry without it is another one"},
  {"middleware.repository", refused, tree, refuse_middleware, "the same"},
  {"middleware.storage", ignored, tree, warn_of_storage_middleware, "nginx sends the blobs itself"},
  {"reporting", ignored, tree, nullptr, "services that docker/distribution itself has dropped"},

  {"http.net", works, scalar, refuse_unix_listener, "the kind of http.addr: tcp"},
  {"http.addr", nginx, scalar, value<FIELD(http.addr), to_address>, "where nginx listens: [host]:port; without a host, or with 0.0.0.0 or [::], on IPv4 and IPv6"},
  {"http.host", works, scalar, told<FIELD(http.host), to_base_url>, "the absolute URL that clients use; default: as the request has it"},
  {"http.prefix", works, scalar, told<FIELD(http.prefix), to_prefix>, "what stands before /v2/ in every path"},
  {"http.secret", works, scalar, value<FIELD(http.secret), to_text>, "the key that signs upload state; default: one kept in the store", Secrecy::secret},
  {"http.relativeurls", works, scalar, value<FIELD(http.relative_urls), to_flag>, "whether Location has no scheme and host"},
  {"http.headers", nginx, tree, told<FIELD(http.headers), to_headers>, "headers to add to every reply"},
  {"http.tls.certificate", nginx, scalar, value<FIELD(http.tls_certificate), to_path>, "PEM file: the certificate, then its chain"},
  {"http.tls.key", nginx, scalar, value<FIELD(http.tls_key), to_path>, "PEM file: the certificate's private key"},
  {"http.tls.clientcas", nginx, tree, value<FIELD(http.client_cas), to_paths>, "PEM files: who signs the certificates of clients"},
  {"http.tls.clientauth", nginx, scalar, value<FIELD(http.client_auth), to_client_auth>, "how strictly clients' certificates are checked; default: require-and-verify-client-cert"},
  {"http.tls.letsencrypt", refused, tree, refuse_lets_encrypt, "berth does not fetch certificates: certificate and key name those that certbot fetches"},
  {"http.tls.minimumtls", nginx, scalar, value<FIELD(http.minimum_tls), to_minimum_tls>, "the oldest TLS to speak: tls1.2 (the default) or tls1.3; older ones stand for tls1.2"},
  {"http.tls.ciphersuites", nginx, tree, read_ciphers, "the cipher suites of TLS 1.2, by Go's names; those of TLS 1.3 alone: TLS 1.2 is off"},
  {"http.draintimeout", nginx, scalar, value<FIELD(http.drain_timeout), to_duration>, "how long a stop waits for transfers; default: 10s"},
  {"http.debug.addr", nginx, scalar, value<FIELD(http.debug.addr), to_address>, "where the debug server listens: [host]:port; default: there is none"},
  {"http.debug.prometheus.enabled", works, scalar, value<FIELD(http.debug.prometheus), to_flag>, "whether the debug server has metrics"},
  {"http.debug.prometheus.path", works, scalar, told<FIELD(http.debug.prometheus_path), to_metrics_path>, "where; default: /metrics"},
  {"http.http2.disabled", nginx, scalar, value<FIELD(http.http2_disabled), to_flag>, "whether HTTP/2 is not offered with TLS"},
  {"http.h2c.enabled", ignored, scalar, nullptr, "nginx speaks HTTP/1.1 without TLS; every client can"},

  {"notifications.events.includereferences", works, scalar, value<FIELD(notifications.include_references), to_flag>, "whether events name the parts of a manifest"},
  {"notifications.endpoints", works, list, element<FIELD(notifications.endpoints)>, "webhooks"},
  {"notifications.endpoints[].name", works, scalar, value<ENDPOINT(name), to_text>, "what logs and metrics call it"},
  {"notifications.endpoints[].disabled", works, scalar, value<ENDPOINT(disabled), to_flag>, "whether it is left out"},
  {"notifications.endpoints[].url", works, scalar, value<ENDPOINT(url), to_url>, "where events are posted to", Secrecy::secret},
  {"notifications.endpoints[].headers", works, tree, told<ENDPOINT(headers), to_request_headers>, "headers of each post", Secrecy::secret},
  {"notifications.endpoints[].timeout", works, scalar, value<ENDPOINT(timeout), to_duration>, "of a post; default: 1s"},
  {"notifications.endpoints[].threshold", works, scalar, limited<ENDPOINT(threshold), 1, 1'000'000>, "failures in a row before it pauses; default: 10"},
  {"notifications.endpoints[].backoff", works, scalar, value<ENDPOINT(backoff), to_duration>, "how long it pauses; default: 1s"},
  {"notifications.endpoints[].ignoredmediatypes", works, tree, more<ENDPOINT(ignored_media_types), to_list>, "the old spelling of ignore.mediatypes"},
  {"notifications.endpoints[].ignore.mediatypes", works, tree, more<ENDPOINT(ignored_media_types), to_list>, "events of these media types are not posted"},
  {"notifications.endpoints[].ignore.actions", works, tree, value<ENDPOINT(ignored_actions), to_list>, "pull, push, mount or delete: such events are not posted"},

  {"redis.addr", works, scalar, value<FIELD(redis.addrs), to_redis_addresses>, "host:port; the spelling of docker/distribution 2", Secrecy::secret},
  {"redis.addrs", works, tree, value<FIELD(redis.addrs), to_redis_addresses>, "the spelling of docker/distribution 3: a list of host:port", Secrecy::secret},
  {"redis.clientname", works, scalar, value<FIELD(redis.client_name), to_text>, "what berth calls itself"},
  {"redis.username", works, scalar, value<FIELD(redis.username), to_text>, "who berth is"},
  {"redis.password", works, scalar, value<FIELD(redis.password), to_text>, "its password", Secrecy::secret},
  {"redis.db", works, scalar, integer<FIELD(redis.db), 0, 1'000'000>, "the number of the database"},
  {"redis.mastername", ignored, scalar, value<FIELD(redis.sentinel_master), to_text>, "berth speaks to one server: with it, descriptors are not cached"},
  {"redis.sentinelusername", ignored, scalar, nullptr, "berth does not speak to sentinels"},
  {"redis.sentinelpassword", ignored, scalar, nullptr, "berth does not speak to sentinels", Secrecy::secret},
  {"redis.dialtimeout", works, scalar, value<FIELD(redis.dial_timeout), to_duration>, "how long connecting may take"},
  {"redis.readtimeout", works, scalar, value<FIELD(redis.read_timeout), to_duration>, "how long an answer may take"},
  {"redis.writetimeout", works, scalar, value<FIELD(redis.write_timeout), to_duration>, "how long a question may take"},
  {"redis.pool.maxidle", works, scalar, limited<FIELD(redis.max_idle), 0, 100'000>, "connections to keep; the spelling of docker/distribution 2"},
  {"redis.pool.maxactive", works, scalar, limited<FIELD(redis.max_active), 0, 100'000>, "connections at most; the spelling of docker/distribution 2"},
  {"redis.pool.idletimeout", works, scalar, value<FIELD(redis.idle_timeout), to_duration>, "how long to keep one; the spelling of docker/distribution 2"},
  {"redis.maxidleconns", works, scalar, limited<FIELD(redis.max_idle), 0, 100'000>, "connections to keep"},
  {"redis.maxactiveconns", works, scalar, limited<FIELD(redis.max_active), 0, 100'000>, "connections at most"},
  {"redis.poolsize", works, scalar, limited<FIELD(redis.max_active), 0, 100'000>, "the same"},
  {"redis.connmaxidletime", works, scalar, value<FIELD(redis.idle_timeout), to_duration>, "how long to keep one"},
  {"redis.tls.certificate", works, scalar, value<FIELD(redis.tls_certificate), to_path>, "PEM file: berth's certificate"},
  {"redis.tls.key", works, scalar, value<FIELD(redis.tls_key), to_path>, "PEM file: its key"},
  {"redis.tls.rootcas", works, tree, value<FIELD(redis.tls_root_cas), to_paths>, "PEM files: who signs redis' certificate"},
#define GO_REDIS_OPTION(name) {"redis." name, ignored, scalar, nullptr, "an option of docker/distribution's redis client"}
  GO_REDIS_OPTION("protocol"), GO_REDIS_OPTION("maxretries"), GO_REDIS_OPTION("minretrybackoff"), GO_REDIS_OPTION("maxretrybackoff"),
  GO_REDIS_OPTION("contexttimeoutenabled"), GO_REDIS_OPTION("poolfifo"), GO_REDIS_OPTION("pooltimeout"), GO_REDIS_OPTION("minidleconns"),
  GO_REDIS_OPTION("connmaxlifetime"), GO_REDIS_OPTION("maxredirects"), GO_REDIS_OPTION("readonly"), GO_REDIS_OPTION("routebylatency"),
  GO_REDIS_OPTION("routerandomly"), GO_REDIS_OPTION("disableidentity"), GO_REDIS_OPTION("identitysuffix"), GO_REDIS_OPTION("unstableresp3"),
#undef GO_REDIS_OPTION

  {"health.storagedriver.enabled", works, scalar, value<FIELD(health.storage.enabled), to_flag>, "whether the store is looked at"},
  {"health.storagedriver.interval", works, scalar, value<FIELD(health.storage.interval), to_duration>, "how often; default: 10s"},
  {"health.storagedriver.threshold", works, scalar, limited<FIELD(health.storage.threshold), 0, 1'000'000>, "failures in a row that count as one"},
  {"health.file", works, list, element<FIELD(health.files)>, "files that must not be there"},
  {"health.file[].file", works, scalar, value<FIELD(health.files.back().file), to_path>, "fails while it exists"},
  {"health.file[].interval", works, scalar, value<FIELD(health.files.back().interval), to_duration>, "how often; default: 10s"},
  {"health.http", works, list, element<FIELD(health.https)>, "servers that must answer HEAD"},
  {"health.http[].uri", works, scalar, value<FIELD(health.https.back().uri), to_url>, "what is asked for", Secrecy::secret},
  {"health.http[].headers", works, tree, told<FIELD(health.https.back().headers), to_request_headers>, "headers of the request", Secrecy::secret},
  {"health.http[].statuscode", works, scalar, limited<FIELD(health.https.back().status), 1, 1'000'000>, "the answer that is health; default: 200"},
  {"health.http[].timeout", works, scalar, value<FIELD(health.https.back().timeout), to_duration>, "how long it may take"},
  {"health.http[].interval", works, scalar, value<FIELD(health.https.back().interval), to_duration>, "how often; default: 10s"},
  {"health.http[].threshold", works, scalar, limited<FIELD(health.https.back().threshold), 0, 1'000'000>, "failures in a row that count as one"},
  {"health.tcp", works, list, element<FIELD(health.tcps)>, "servers that must take a connection"},
  {"health.tcp[].addr", works, scalar, value<FIELD(health.tcps.back().addr), to_dial_address>, "host:port"},
  {"health.tcp[].timeout", works, scalar, value<FIELD(health.tcps.back().timeout), to_duration>, "how long it may take"},
  {"health.tcp[].interval", works, scalar, value<FIELD(health.tcps.back().interval), to_duration>, "how often; default: 10s"},
  {"health.tcp[].threshold", works, scalar, limited<FIELD(health.tcps.back().threshold), 0, 1'000'000>, "failures in a row that count as one"},

  {"proxy", refused, tree, refuse_proxy, "berth cannot be a pull-through cache yet; refused if remoteurl is set", Secrecy::secret},
  {"compatibility.schema1.enabled", works, scalar, value<FIELD(schema1.enabled), to_flag>, "whether schema1 manifests may be pushed"},
  {"compatibility.schema1.signingkeyfile", works, scalar, value<FIELD(schema1.signing_key_file), to_path>, "signs schema1 manifests, PEM or JWK; default: kept in the store"},
  {"compatibility.schema1.disablesignaturestore", works, scalar, value<FIELD(schema1.discard_signatures), to_flag>, "whether each pull is signed anew"},
  {"policy.repository.classes", works, tree, value<FIELD(repository_classes), to_list>, "image, plugin: what may be pushed; default: anything"},

  {"validation.disabled", works, scalar, value<FIELD(validation.disabled), to_flag>, "whether layer URLs and the parts of an index go unchecked"},
  {"validation.enabled", works, scalar, read_validation_enabled, "the old spelling; true outweighs validation.disabled"},
  {"validation.manifests.urls.allow", works, tree, value<FIELD(validation.url_allow), to_patterns>, "regular expressions: the layer URLs that may be named"},
  {"validation.manifests.urls.deny", works, tree, value<FIELD(validation.url_deny), to_patterns>, "regular expressions: those that may not"},
  {"validation.manifests.indexes.platforms", works, scalar, value<FIELD(validation.index_platforms), to_index_platforms>, "which parts of an index must exist: all, none or list"},
  {"validation.manifests.indexes.platformlist", works, tree, value<FIELD(validation.platform_list), to_platforms>, "for `list`: maps of architecture and os"},

  {"catalog.maxentries", works, scalar, limited<FIELD(catalog_max_entries), 1, 1'000'000>, "the longest page of _catalog"},
  {"tags.maxtags", works, scalar, limited<FIELD(tags_max), 1, 1'000'000>, "the longest page of tags/list"},

  {"berth.access.groups", works, tree, value<ACCESS(groups), to_groups>, "groups, each a list of members: NAME or user:NAME, robot:NAME, cert:NAME"},
  {"berth.access.rules", works, list, begin_rule, "who may do what with which repositories; what no rule allows is not allowed"},
  {"berth.access.rules[].who", works, scalar, value<ACCESS(rules.back().who), to_text>, "anyone, signed-in, a group, user:NAME, robot:NAME, cert:GLOB, token:ISSUER ..."},
  {"berth.access.rules[].repositories", works, tree, value<ACCESS(rules.back().repositories), to_list>, "names; * is any characters of a component, ** any components"},
  {"berth.access.rules[].may", works, tree, value<ACCESS(rules.back().may), to_list>, "pull, add (push, but no tag is moved), push, delete, all"},
  {"berth.access.tokenlifetime", works, scalar, value<ACCESS(token_lifetime), to_token_lifetime>, "how long a token of /v2/token is good, from 60s to 24h; default: 900s"},
  {"berth.access.refreshlifetime", works, scalar, value<ACCESS(refresh_lifetime), to_refresh_lifetime>, "the same of a refresh token; default: 0, there are none"},
  {"berth.access.robots", works, scalar, value<ACCESS(robots), to_path>, "the file that `berth robot` keeps; default: robots in berth.statedirectory"},
  {"berth.access.saslauthd.socket", works, scalar, value<ACCESS(saslauthd), to_path>, "the socket of saslauthd, which asks PAM, LDAP or Kerberos; default: it is not asked"},
  {"berth.access.saslauthd.service", works, scalar, value<ACCESS(saslauthd_service), to_text>, "what berth calls itself there; default: berth"},
  {"berth.access.issuers", works, list, begin_issuer, "of tokens of workloads: GitHub Actions, Kubernetes, GitLab, ..."},
  {"berth.access.issuers[].name", works, scalar, value<ACCESS(issuers.back().name), to_issuer_name>, "what rules call it"},
  {"berth.access.issuers[].url", works, scalar, value<ACCESS(issuers.back().url), to_secure_url>, "its URL (`iss`)"},
  {"berth.access.issuers[].audience", works, scalar, value<ACCESS(issuers.back().audience), to_text>, "what a token must be for (`aud`)"},
  {"berth.access.issuers[].jwks", works, scalar, value<ACCESS(issuers.back().jwks), to_url_or_path>, "its keys, by URL or path; default: by OpenID discovery"},
  {"berth.access.issuers[].claims", works, tree, value<ACCESS(issuers.back().claims), to_list>, "the claims that rules may ask for"},
  {"berth.access.ldap.url", works, scalar, value<ACCESS(ldap.url), to_directory_url>, "a directory of users: ldap or ldaps"},
  {"berth.access.ldap.starttls", works, scalar, value<ACCESS(ldap.start_tls), to_flag>, "whether TLS is started on an ldap: connection"},
  {"berth.access.ldap.ca", works, scalar, value<ACCESS(ldap.ca), to_path>, "PEM file: who signs the directory's certificate; default: the system's"},
  {"berth.access.ldap.binddn", works, scalar, value<ACCESS(ldap.bind_dn), to_text>, "the account that searches; default: nobody"},
  {"berth.access.ldap.bindpasswordfile", works, scalar, value<ACCESS(ldap.bind_password_file), to_path>, "a file with its password"},
  {"berth.access.ldap.base", works, scalar, value<ACCESS(ldap.base), to_text>, "below which users are found"},
  {"berth.access.ldap.filter", works, scalar, value<ACCESS(ldap.filter), to_directory_filter>, "how: default: (uid={user})"},
  {"berth.access.ldap.groupattribute", works, scalar, value<ACCESS(ldap.group_attribute), to_text>, "of a user's entry, the DNs of the groups; default: memberOf"},
  {"berth.access.certificates.subject", works, scalar, value<ACCESS(certificates.subject), to_certificate_subject>, "of a client's certificate, which name counts: uri, dns, cn"},
  {"berth.access.certificates.pattern", works, scalar, value<ACCESS(certificates.pattern), to_text>, "which of several names, and what of it"},
  {"berth.immutable", works, list, begin_immutable, "tags that keep the manifest they have"},
  {"berth.immutable[].repositories", works, tree, value<FIELD(berth.immutable.back().repositories), to_list>, "of these repositories: names, as in berth.access.rules"},
  {"berth.immutable[].tags", works, tree, value<FIELD(berth.immutable.back().tags), to_list>, "these tags: * is any characters"},
  {"berth.immutable[].except", works, tree, value<FIELD(berth.immutable.back().except), to_list>, "but not these"},
  {"berth.protected", works, list, begin_protected, "tags that no policy of retention removes"},
  {"berth.protected[].repositories", works, tree, value<FIELD(berth.protected_tags.back().repositories), to_list>, "of these repositories: names, as in berth.access.rules"},
  {"berth.protected[].tags", works, tree, value<FIELD(berth.protected_tags.back().tags), to_list>, "these tags: * is any characters"},
  {"berth.protected[].except", works, tree, value<FIELD(berth.protected_tags.back().except), to_list>, "but not these"},
  {"berth.retention.enabled", works, scalar, value<RETENTION(enabled), to_flag>, "whether its policies are carried out by the runs of berth.collection; default: false"},
  {"berth.retention.interval", works, scalar, value<RETENTION(interval), to_pause>, "how often; default: 24h"},
  {"berth.retention.limit", works, scalar, value<RETENTION(limit), to_share>, "a run that would remove more of a repository's tags removes none of them; default: 50%"},
  {"berth.retention.ignoredagents", works, tree, value<RETENTION(ignored_agents), to_list>, "scanners, mirrors: a pull by a User-Agent with one of these texts in it is none"},
  {"berth.retention.policies", works, list, begin_policy, "which tags stay; the first one whose repositories fit counts, and where none does, all stay"},
  {"berth.retention.policies[].repositories", works, tree, value<RETENTION(policies.back().repositories), to_list>, "for these repositories: names, as in berth.access.rules"},
  {"berth.retention.policies[].keep", works, tree, read_nothing, "a tag stays if any entry keeps it: maps of tags, newest, pushed, pulled, all of which it meets"},
  {"berth.retention.policies[].minimum", works, scalar, integer<RETENTION(policies.back().minimum), 0, 1'000'000>, "so many newest tags stay in any case; default: 1"},
  {"berth.retention.policies[].untagged", works, scalar, value<RETENTION(policies.back().untagged), to_untagged_of_policy>, "instead of berth.collection.untagged"},
  {"berth.threads", works, scalar, integer<FIELD(berth.threads), 1, 1024>, "requests that the pool works on at once"},
  {"berth.limits.connections", works, scalar, integer<FIELD(berth.limits.connections), 0, 1'000'000>, "connections of one address, or a /64 of IPv6; default: 1000; 0: any number"},
  {"berth.limits.uploads", works, scalar, integer<FIELD(berth.limits.uploads), 0, 1'000'000>, "large bodies that one address may be sending at once; default: 100; 0: any number"},
  {"berth.limits.slowest", works, scalar, integer<FIELD(berth.limits.slowest), 0, 1'000'000'000>, "bytes a second: what comes slower is ended; default: 512; 0: nothing is"},
  {"berth.limits.exempt", works, tree, value<FIELD(berth.limits.exempt), to_networks>, "networks (10.0.0.0/8) without these limits: proxies, builders behind one address"},
  {"berth.collection.enabled", works, scalar, value<FIELD(berth.collection.enabled), to_flag>, "whether what nothing names is collected in the background; default: false"},
  {"berth.collection.interval", works, scalar, value<FIELD(berth.collection.interval), to_pause>, "how often; default: 1h"},
  {"berth.collection.grace", works, scalar, value<FIELD(berth.collection.grace), to_grace>, "how long garbage is parked before it is freed, at least 1h; default: 24h"},
  {"berth.collection.untagged", works, scalar, value<FIELD(berth.collection.untagged), to_untagged_age>, "the age at which untagged manifests go, at least 1h; default: never"},
  {"berth.statedirectory", works, scalar, value<FIELD(berth.state_directory), to_path>, "for secrets, queues, locks; one for all pools of a store; default: berth in it"},
  {"berth.rundirectory", works, scalar, value<FIELD(berth.run_directory), to_path>, "sockets, locks and the rendered nginx configuration"},
  {"berth.spool", works, scalar, value<FIELD(berth.spool), to_path>, "where nginx puts uploads; on the same file system as the store, for berth alone"},
  {"berth.socket", works, scalar, value<FIELD(berth.socket), to_path>, "the unix socket between nginx and pool"},
  {"berth.sparseimages", works, scalar, value<FIELD(validation.sparse_images), to_flag>, "whether an image may be pushed without some of its layers"},
  {"berth.user", works, scalar, value<FIELD(berth.user), to_user>, "started as root: who serves; default: the owner of the store"},
  {"berth.trustedproxies", nginx, tree, value<FIELD(berth.trusted_proxies), to_networks>, "proxies, by address or network: whom their X-Forwarded-For names is the client"},
  {"berth.notifications.maxqueue", works, scalar, integer<FIELD(berth.notification_queue_bytes), 1 << 20, std::int64_t{1} << 50>, "bytes that an endpoint's queue may take"},
  {"berth.notifications.version", works, scalar, integer<FIELD(berth.events_version), 1, 2>, "the v of events.v1+json: 1 as docker/distribution 2, 2 as 3"},
  {"berth.nginx.binary", works, scalar, value<FIELD(berth.nginx_binary), to_path>, "the nginx to run; default: from PATH"},
  {"berth.nginx.directory", works, scalar, value<FIELD(berth.nginx_directory), to_path>, "berth's static nginx configuration; default: beside the program"},
  {"berth.nginx.reloaddrain", nginx, scalar, value<FIELD(berth.nginx_reload_drain), to_reload_drain>, "how long before a reload replies end connections; default: 5s"},
  {"berth.v1.enabled", works, scalar, value<FIELD(berth.v1_enabled), to_flag>, "whether the v1 API is served, for Docker before 1.6 and `docker search`"},
  {"berth.v1.socket", works, scalar, value<FIELD(berth.v1_socket), to_path>, "the unix socket of a pool of its own for v1 (berth serve --api v1); default: berth.socket"},
  {"berth.v1.maxlayersize", works, scalar, integer<FIELD(berth.v1_max_layer_bytes), 1 << 20, std::int64_t{1} << 50>, "bytes that a layer may unpack to; default: 16 GiB"},
  {"berth.v1.upstream", works, scalar, value<FIELD(berth.v1_upstream), to_origin>, "another v1 registry, to which nginx passes /v1/; default: berth serves it"},
};
// clang-format on

bool lies_in(std::string_view path, std::string_view section) {
  return section.empty() || (path.size() > section.size() && path.starts_with(section) && path[section.size()] == '.');
}

// The same for what lies in a tree, or is an item of it.
bool is_part_of(std::string_view path, std::string_view tree_path) {
  return lies_in(path, tree_path) ||
         (path.size() > tree_path.size() && path.starts_with(tree_path) && path[tree_path.size()] == '[');
}

} // namespace

std::string_view word_for(Standing standing) {
  switch (standing) {
  case works: return "works";
  case nginx: return "nginx's";
  case ignored: return "accepted, no effect";
  case refused: return "refused";
  }
  return "";
}

std::span<const Key> keys() { return table; }

const Key* find_key(std::string_view path) {
  for (const Key& key : table)
    if (key.path == path || (key.shape == Shape::tree && is_part_of(path, key.path))) return &key;
  return nullptr;
}

bool is_section(std::string_view path) {
  return std::ranges::any_of(table, [&](const Key& key) { return lies_in(key.path, path); });
}

std::vector<std::string> names_in(std::string_view section) {
  std::vector<std::string> names;
  for (const Key& key : table) {
    if (!lies_in(key.path, section)) continue;
    const std::string_view rest = key.path.substr(section.empty() ? 0 : section.size() + 1);
    std::string name(rest.substr(0, rest.find_first_of(".[")));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

std::string keys_as_markdown() {
  std::string page = "| key | | |\n|---|---|---|\n";
  for (const Key& key : table)
    page.append("| `")
        .append(key.path)
        .append("` | ")
        .append(word_for(key.standing))
        .append(" | ")
        .append(key.doc)
        .append(" |\n");
  return page;
}

} // namespace berth::config
