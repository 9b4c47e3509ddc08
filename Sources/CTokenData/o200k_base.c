#include "CTokenData.h"

// Clang has #embed in every language mode and says that it is newer than most.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bytes[] = {
#embed "o200k_base.bin"
};

const unsigned char *const millrace_o200k_base = bytes;
const size_t millrace_o200k_base_size = sizeof bytes;
