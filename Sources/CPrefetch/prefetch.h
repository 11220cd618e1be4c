#pragma once

// Asks the processor to bring the cache line at an address near, without waiting for it. Swift has no
// name for this. Imported by AtomicStateEngine alone.
static inline void prefetch(const void *address) {
    __builtin_prefetch(address);
}
