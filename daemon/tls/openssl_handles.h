// Ownership of OpenSSL's objects, and its error queue.
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace danegate::tls {

template <auto Function>
struct Deleter {
  void operator()(auto* pointer) const noexcept { Function(pointer); }
};

using BioHandle = std::unique_ptr<BIO, Deleter<BIO_free>>;
using CertificateHandle = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using GeneralNamesHandle = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

struct OpensslFree {
  void operator()(void* memory) const noexcept { OPENSSL_free(memory); }
};

template <class T>
using OpensslMemory = std::unique_ptr<T, OpensslFree>;

/// OpenSSL's error queue belongs to the thread: whoever calls into OpenSSL finds it empty and leaves it so.
class CleanErrorQueue {
public:
  CleanErrorQueue() noexcept { ERR_clear_error(); }

  CleanErrorQueue(const CleanErrorQueue&) = delete;
  CleanErrorQueue& operator=(const CleanErrorQueue&) = delete;

  ~CleanErrorQueue() { ERR_clear_error(); }
};

} // namespace danegate::tls
