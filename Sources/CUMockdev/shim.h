#pragma once
#include <glib-object.h>
#include <umockdev.h>
