// What the programs of clients share: each call is a line `CALL<TAB>ok` or `CALL<TAB>no …`.
async function call(name, what) {
  try {
    await what();
    console.log(`${name}\tok`);
  } catch (error) {
    console.log(`${name}\tno ${error.code ?? error.name}: ${String(error.message).split("\n")[0]}`);
  }
}

module.exports = { call };
