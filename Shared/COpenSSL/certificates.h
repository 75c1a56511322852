#pragma once
// What making certificates needs of OpenSSL and Swift cannot call: macros and functions with variable arguments.
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// A new key on the curve P-256, or NULL. The caller frees it.
static inline EVP_PKEY *homing_certificates_new_key(void) {
  return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

// Points `bytes` at what was written to a memory BIO and says how many there are. The BIO keeps them.
static inline long homing_certificates_written(BIO *bio, char **bytes) {
  return BIO_get_mem_data(bio, bytes);
}
