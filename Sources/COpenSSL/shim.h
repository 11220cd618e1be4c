// SHA-256 of OpenSSL's libcrypto, of Debian's libssl-dev.
#include <openssl/sha.h>
