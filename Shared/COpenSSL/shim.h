#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "certificates.h"

// OpenSSL's macros, which Swift does not see, as functions. No logic.

static inline long homing_ctx_set_min_tls13(SSL_CTX *ctx) {
  return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
}
static inline void homing_ctx_set_modes(SSL_CTX *ctx) {
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}
static inline void homing_ctx_prefer_own_suites(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
}
static inline void homing_ctx_cache_client_sessions(SSL_CTX *ctx) {
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}
static inline void homing_ctx_no_session_cache(SSL_CTX *ctx) {
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}
static inline void homing_set_owner(SSL *ssl, void *owner) { SSL_set_app_data(ssl, owner); }
static inline void *homing_owner(const SSL *ssl) { return SSL_get_app_data(ssl); }
static inline STACK_OF(GENERAL_NAME) *homing_alternative_names(X509 *certificate) {
  return (STACK_OF(GENERAL_NAME) *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int homing_names_count(STACK_OF(GENERAL_NAME) *names) {
  return sk_GENERAL_NAME_num(names);
}
// The bytes of the name at `index` where it is a URI, else NULL.
static inline const unsigned char *homing_names_uri(STACK_OF(GENERAL_NAME) *names, int index,
                                                    int *length) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  if (name->type != GEN_URI) return NULL;
  *length = ASN1_STRING_length(name->d.uniformResourceIdentifier);
  return ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
}
static inline void homing_names_free(STACK_OF(GENERAL_NAME) *names) {
  GENERAL_NAMES_free(names);
}
