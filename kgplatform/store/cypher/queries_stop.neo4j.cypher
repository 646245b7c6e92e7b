// End the queries that were asked under a name.
SHOW TRANSACTIONS YIELD transactionId AS id, metaData WHERE metaData.asked = $name
TERMINATE TRANSACTIONS id YIELD message
RETURN count(message) AS n
