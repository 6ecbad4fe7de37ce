// SPDX-License-Identifier: Apache-2.0
#define BSP_INTERRUPT_VECTOR_COUNT 17
