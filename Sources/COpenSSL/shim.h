// SHA-256 of OpenSSL's libcrypto, of Debian's libssl-dev. Imported by AtomicStateSchema alone.
#include <openssl/sha.h>
