// The configuration in force, for threads that are not the loop's.
#pragma once

#include "daemon/config/config.h"

#include <mutex>
#include <utility>

namespace danegate::service {

class SharedConfig {
public:
  explicit SharedConfig(config::ConfigPtr config) : config_(std::move(config)) {}

  config::ConfigPtr get() const {
    const std::scoped_lock lock(mutex_);
    return config_;
  }

  void set(config::ConfigPtr config) {
    {
      const std::scoped_lock lock(mutex_);
      std::swap(config_, config);
    }
    // The old one, which may be large, goes here and not under the lock.
  }

private:
  mutable std::mutex mutex_;
  config::ConfigPtr config_;
};

} // namespace danegate::service
