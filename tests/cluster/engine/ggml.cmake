# Read within the part of llama.cpp that computes. The rest is compiled for a short build instead.
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
