#include "CModels.h"

// Part of the program, so that it is one file to install, and read in no time by the compiler.
static const unsigned char models[] = {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#embed "models.tsv"
#pragma clang diagnostic pop
};

const unsigned char *millrace_models(size_t *count) {
  *count = sizeof models;
  return models;
}
