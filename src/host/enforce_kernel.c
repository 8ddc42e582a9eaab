#include "host/enforce_kernel.h"

G_DEFINE_QUARK(drover - enforce - kernel - error, enforce_kernel_error)
