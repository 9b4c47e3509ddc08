#include "CTokenData.h"

// Clang has #embed in every language mode and says that it is newer than most.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bytes[] = {
#embed "classes.bin"
};

const unsigned char *const millrace_character_classes = bytes;
const size_t millrace_character_classes_size = sizeof bytes;
