// Ends with 0 where mongod answers `hello`.
const options = 'directConnection=true&tls=true&tlsCAFile=/run/mongo/ca.pem&serverSelectionTimeoutMS=20000';
try {
  connect(`mongodb://${process.env.MONGO_MEMBER}/admin?${options}`).runCommand({ hello: 1 });
} catch (error) {
  print(error.message);
  quit(1);
}
