// SPDX-License-Identifier: Apache-2.0

#include <stddef.h>
#include <stdint.h>

/// A symbol's name as Swift writes it, to be freed; null for what is no symbol of Swift's. Without a buffer, and no flags.
/// (Swift's runtime, stdlib/public/runtime/Demangle.cpp.)
char *_Nullable swift_demangle(
    const char *_Nonnull name, size_t length, char *_Nullable buffer, size_t *_Nullable size, uint32_t flags);
