// Special functions and the random numbers of Python, with which looks are dealt into parts.

const LANCZOS_G = 6.024680040776729583740234375;
const LANCZOS_ABOVE = [
  23531376880.41075968857200767445163675473076, 42919803642.64909876895789904700198885092926,
  35711959237.35566804944018545154716670596718, 17921034426.03720969991975575445893111267140,
  6039542586.352028005064291644307297921070699, 1439720407.311721673663223072794912393971548,
  248874557.8620541565114603864132294232163213, 31426415.58540019438061423162831820536287497,
  2876370.628935372441225409051620849613599114, 186056.2653952234950402949897160456992822078,
  8071.672002365816210638002902272250613821852, 210.8242777515793458725097339207133627116697,
  2.506628274631000270164908177133837338626431,
];
const LANCZOS_BELOW = [
  0, 39916800, 120543840, 150917976, 105258076, 45995730, 13339535, 2637558, 357423, 32670, 1925, 66, 1,
];

/** log of the gamma function for x >= 1, by the approximation that Python's `math.lgamma` has (Lanczos, 1964). */
function logGamma(x) {
  if (x === 1 || x === 2) return 0;
  let above = 0;
  let below = 0;
  for (let each = 0; each < LANCZOS_ABOVE.length; each++) {
    const index = x < 5 ? LANCZOS_ABOVE.length - 1 - each : each;
    above = (x < 5 ? above * x : above / x) + LANCZOS_ABOVE[index];
    below = (x < 5 ? below * x : below / x) + LANCZOS_BELOW[index];
  }
  return Math.log(above / below) - LANCZOS_G + (x - 0.5) * (Math.log(x + LANCZOS_G - 0.5) - 1);
}

/** The complementary error function: by its series near 0, by its continued fraction (Lentz, 1976) further out. */
function complementaryErrorFunction(x) {
  if (x < 0) return 2 - complementaryErrorFunction(-x);
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = x;
  for (let n = 200; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** Python's `random.Random(seed).random`: the Mersenne Twister (Matsumoto, Nishimura, 1998). seed: whole, 0 to 2^53. */
function pythonRandom(seed) {
  const state = new Uint32Array(624);
  const key = seed < 2 ** 32 ? [seed] : [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
  const mixed = (index, factor) => Math.imul(state[index - 1] ^ (state[index - 1] >>> 30), factor);
  state[0] = 19650218;
  for (let index = 1; index < 624; index++) state[index] = mixed(index, 1812433253) + index;
  let index = 1;
  const around = () => {
    index++;
    if (index < 624) return;
    state[0] = state[623];
    index = 1;
  };
  for (let step = 0; step < 624; step++) {
    const place = step % key.length;
    state[index] = (state[index] ^ mixed(index, 1664525)) + key[place] + place;
    around();
  }
  for (let step = 0; step < 623; step++) {
    state[index] = (state[index] ^ mixed(index, 1566083941)) - index;
    around();
  }
  state[0] = 0x80000000;
  let next = 624;
  const word = () => {
    if (next === 624) {
      for (let each = 0; each < 624; each++) {
        const y = (state[each] & 0x80000000) | (state[(each + 1) % 624] & 0x7fffffff);
        state[each] = state[(each + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      next = 0;
    }
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return () => {
    const high = word() >>> 5;
    return (high * 67108864 + (word() >>> 6)) / 9007199254740992;
  };
}
