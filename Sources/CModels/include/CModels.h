#pragma once

#include <stddef.h>

/// The table of models and prices, as text; its first lines say what it holds and where it is from.
///
/// @param count Receives its size in bytes.
/// @return Bytes that stay where they are, without a zero at their end.
const unsigned char *millrace_models(size_t *count);
